// The studio: corners, the plane between them, sliders, verbs, results and favourites.

import { h, icon } from "vaecore/page/dom.js";
import { Corners, LETTERS } from "./corners.js";
import { Follower } from "./follow.js";
import { History } from "./history.js";
import { Plane } from "./plane.js";
import { Refusal, blob, get, piece, post } from "./server.js";
import { EMPTY, Session } from "./session.js";
import { STAR } from "./shelf.js";
import { Sliders } from "./sliders.js";
import { Things } from "./things.js";
import { Verbs } from "./verbs.js";

const UNDO = "M8.500 5 4 9.500 8.500 14v-3.300h5.500a3.800 3.800 0 0 1 0 7.600H9v2h5a5.800 5.800 0 0 0 0-11.600H8.500z";
const REDO = "M15.500 5 20 9.500 15.500 14v-3.300H10a3.800 3.800 0 0 0 0 7.600h5v2h-5a5.800 5.800 0 0 1 0-11.600h5.500z";

/** @param {Record<string, (host: HTMLElement, about: any, app: any) => import("./session.js").View>} views by kind */
export async function studio(views) {
  const { name, endings } = document.body.dataset;
  const status = h("p", { class: "status", role: "status" });
  const say = (text, bad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  };
  const [{ models }, description] = await Promise.all([get("/api/models"), get("/openapi.json")]);
  const session = new Session();

  // Elements

  const button = (label, title, path, act) => h("button", { type: "button", class: "button", "aria-label": label, title, onclick: act }, icon(path));
  const above = h("div", { class: "row" });
  const below = h("div", { class: "row" });
  const field = h("div", { id: "field" });
  const stage = h("section", { class: "panel result", "aria-label": "Blend" });
  const reached = h("p", { class: "quiet small-text" });
  const model = h("select", { "aria-label": "Model", onchange: () => {
    session.state.model = model.value;
    session.state.add = {};
    refresh(true);
  } }, h("option", { value: "" }, "Model: automatic"), ...models.map((each) => h("option", { value: each.name }, each.name)));
  const undo = button("Undo", "Undo (Ctrl+Z)", UNDO, () => past.undo());
  const redo = button("Redo", "Redo (Ctrl+Shift+Z)", REDO, () => past.redo());
  const keep = h("button", { type: "button", class: "button", disabled: true, onclick: () => things.keepCurrent() }, icon(STAR), "Keep");
  const welcome = h("div", { class: "welcome" },
    h("p", {}, "Drop one file to vary it, two to morph between them, four for a plane."),
    h("p", { class: "quiet" }, "Or begin without a file: choose Sample under Make."),
    h("button", { type: "button", class: "button primary", onclick: () => useExamples() }, "Try the examples"));
  const panel = (words, label, hidden, ...children) =>
    h("section", { class: "panel", "aria-label": label, hidden }, ...(words ? [h("h2", {}, words)] : []), ...children);
  const knobs = h("div", { class: "settings sliders" });
  const zero = h("button", { type: "button", class: "link", onclick: () => {
    session.state.add = {};
    sliders.show();
    changed(true);
  } }, "all to 0");
  const lists = { made: h("ul", {}), kept: h("ul", {}) };
  const keptHead = h("div", { class: "head" }, h("h2", {}, "Favourites"));
  const panels = {
    make: panel("Make", "Make", false),
    sliders: panel("", "Properties", true, h("div", { class: "head" }, h("h2", {}, "Properties"), zero), knobs, reached),
    made: panel("Results", "Results", true, lists.made),
    kept: panel("", "Favourites", true, keptHead, lists.kept),
  };
  document.body.classList.add("silent");
  document.body.append(h("main", { class: "app studio" },
    h("header", { class: "top" }, h("h1", {}, `${name} studio`), model, h("span", { class: "spring" }), undo, redo, keep,
      h("a", { class: "button", href: "/api" }, "HTTP API")),
    h("div", { class: "stage" },
      h("section", { class: "board", "aria-label": "Corners" }, above, welcome, field, below, status, stage),
      h("div", { class: "side" }, panels.sliders, panels.make, panels.made, panels.kept))));

  // The parts, and how they are connected

  const plane = new Plane(field, session, { onmove: changed, onrest: () => past.push(session.state) });
  const follower = new Follower(session, {
    say,
    present: (found) => present(found, plane.words(...session.state.at)),
    report: (text) => { reached.textContent = text; },
  });
  const sliders = new Sliders(panels.sliders, knobs, session, {
    oninput: () => changed(false),
    onrest: () => past.push(session.state),
  });
  const things = new Things(name, session, {
    say, panels, lists, open, use: (thing, k) => addFiles(k, [thing.file]),
  });
  keptHead.append(things.exchange());
  const corners = new Corners([above, below], {
    endings,
    look: (k) => {
      const corner = session.state.corners[k];
      return session.look(corner) ?? { name: session.piece(corner).name, place: "…", contents: {}, facts: {} };
    },
    add: (k, files) => addFiles(k, files),
    remove: (k) => {
      session.state.corners[k] = null;
      refresh(true);
    },
    choose: (k, choice) => {
      session.state.corners[k] = { ...session.state.corners[k], ...choice };
      refresh(true);
    },
  });
  const past = new History((found) => {
    session.state = found;
    refresh(false);
  }, () => {
    undo.disabled = !past.canUndo;
    redo.disabled = !past.canRedo;
  });
  new Verbs(panels.make, description, {
    say,
    fields: () => ({ model: session.state.model }),
    files: async (kind) => {
      if (kind === "corners") return session.full().map(([corner]) => session.piece(corner));
      if (!session.current) throw new Refusal("There is no input yet: drop a file, or make a sample.");
      return [await things.file(session.current)];
    },
    done: async (answer, verb) => {
      const results = answer.results ?? [];
      if (results.length) await change(answer.model);
      things.add(results.map((each, k) => ({
        title: each.title || `${verb} ${k + 1}`, model: answer.model, kind: session.about.kind, shown: each.shown, file: each.file,
      })));
      say([`${results.length} made.`, ...(answer.notes ?? [])].join(" "));
      if (results.length) open(things.made[0]);
    },
  });

  // Actions

  /** Show an answer; `thing` is a result of a verb, and null for the point. */
  async function present(found, title, thing = null) {
    session.current = thing ?? { title, model: found.model, kind: session.about.kind, shown: found.shown, code: found.code };
    document.body.classList.remove("silent");
    keep.disabled = false;
    await session.view.show(found.shown, title, plane.vivid);
  }

  /** Show a changed state; a change that is done can be undone. */
  function changed(done) {
    reached.textContent = "";
    follower.follow();
    if (done) past.push(session.state);
  }

  async function addFiles(first, files) {
    const { state } = session;
    let problem = "";
    const free = [first, ...LETTERS.keys()].filter((k, n, all) => all.indexOf(k) === n && (k === first || !state.corners[k]));
    for (const [n, file] of files.slice(0, free.length).entries()) {
      const before = state.corners[free[n]];
      state.corners[free[n]] = { key: session.hold(file.data ? file : await piece(file)) };
      try {
        await session.read(state.corners[free[n]]);
      } catch (error) {
        state.corners[free[n]] = before;
        problem = error.message;
      }
    }
    await refresh(true);
    if (problem) say(problem, true);
  }

  async function useExamples() {
    const { files } = await get("/api/examples");
    if (!files.length) return say("The example files come with the source code alone. Drop files of your own.");
    session.state = EMPTY();
    await addFiles(0, files);
  }

  /** Update the whole page: after corners or the model changed, and after undo. */
  async function refresh(done) {
    const present = session.full();
    plane.update();
    model.value = session.state.model;
    welcome.hidden = present.length > 0;
    corners.show(session.state.corners);
    try {
      for (const [corner] of present) await session.read(corner);
      corners.show(session.state.corners);
      const fits = session.state.model || session.looks()[0]?.model || "";
      if (fits) await change(fits);
      plane.field.move(...session.state.at);
      if (present.length) say("");
      sliders.show();
      follower.follow();
      plane.fill();
    } catch (error) {
      say(error.message, true);
    }
    if (done) past.push(session.state);
  }

  /** Switch to a model, unless it is the present one. */
  async function change(to) {
    if (session.about?.name === to) return;
    if (!session.abouts.has(to)) say(`Loading ${to} …`);
    await session.load(to);
    session.view?.close();
    stage.replaceChildren();
    session.view = views[session.about.kind](stage, session.about, api);
    things.show();
  }

  async function open(thing) {
    await change(thing.model);
    await present({ model: thing.model, shown: thing.shown }, thing.title, thing);
    session.view.begin?.();
  }

  const api = {
    say, blob, post,
    fileOf: () => things.file(session.current),
    current: () => session.current,
    state: () => session.state,
    delays: follower.delays,
    follower,
  };
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.target.matches("input:not([type=range]), textarea")) return;
    event.preventDefault();
    if (event.shiftKey) past.redo();
    else past.undo();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const first = session.state.corners.findIndex((corner) => !corner);
    addFiles(Math.max(first, 0), [...event.dataTransfer.files]);
  });
  past.push(session.state);
  await refresh(false);
  say("");
  things.show();
  globalThis.studio = api;
}
