// The studio: corners, the plane between them, sliders, verbs, what was made and what is kept.

import { dark, download, h, icon } from "vaecore/page/dom.js";
import { colour } from "vaecore/page/colour.js";
import { Field, weights } from "vaecore/page/field.js";
import { Corners, LETTERS } from "./corners.js";
import { History } from "./history.js";
import { Refusal, blob, form, get, piece, post } from "./server.js";
import { Shelf, favourites, keepFavourites } from "./shelf.js";
import { Verbs } from "./verbs.js";

const UNDO = "M8.500 5 4 9.500 8.500 14v-3.300h5.500a3.800 3.800 0 0 1 0 7.600H9v2h5a5.800 5.800 0 0 0 0-11.600H8.500z";
const REDO = "M15.500 5 20 9.500 15.500 14v-3.300H10a3.800 3.800 0 0 0 0 7.600h5v2h-5a5.800 5.800 0 0 1 0-11.600h5.500z";
const STAR = "M12 3.600l2.600 5.300 5.800.85-4.200 4.100 1 5.800L12 16.900l-5.200 2.750 1-5.800-4.200-4.100 5.800-.85z";
/** Colours of the corners, in OKLab. */
const TINTS = [[-0.09, -0.06], [0.11, 0.07], [0.02, -0.13], [-0.04, 0.11]];
const CELLS = 5;
const EMPTY = () => ({ corners: [null, null, null, null], at: [0.5, 0.5], model: "", add: {}, temperature: 0, seed: 0 });

/**
 * What a kind of thing looks like; the package's own script has one for each.
 * @typedef {Object} View
 * @property {(shown: any, words: string, tint: number[]) => void} show
 * @property {(canvas: HTMLCanvasElement, shown: any, tint: number[]) => void} thumb
 * @property {(shown: any[]) => any} [plan] what cells have in common
 * @property {(context: CanvasRenderingContext2D, shown: any, box: any, tint: number[], plan: any) => void} cell
 * @property {() => void} close
 */

/** @param {Record<string, (host: HTMLElement, about: any, app: any) => View>} views by kind */
export async function studio(views) {
  const { name, endings } = document.body.dataset;
  const status = h("p", { class: "status", role: "status" });
  const say = (text, bad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  };
  const [{ models }, description] = await Promise.all([get("/api/models"), get("/openapi.json")]);

  // What the page holds

  let state = EMPTY();
  let serial = 0;
  /** Files by key: the bytes, and what the server found in them. */
  const held = new Map();
  /** Abouts of models by name. */
  const abouts = new Map();
  let about = null;
  let view = null;
  let current = null;
  let cells = [];
  let things = [];
  let kept = favourites(name);

  const full = () => state.corners.map((corner, k) => [corner, k]).filter(([corner]) => corner);
  const looks = () => full().map(([corner]) => held.get(lookKey(corner)));
  /** The model for a corner: the one that was chosen, or that of the first corner. */
  const modelFor = (corner) => {
    const first = full()[0]?.[0];
    return state.model || (first && first !== corner ? held.get(lookKey(first))?.model : "") || "";
  };
  const lookKey = (corner) => JSON.stringify([corner.key, corner.bar, corner.track, corner.face, modelFor(corner)]);

  // Elements

  const above = h("div", { class: "row" });
  const below = h("div", { class: "row" });
  const plane = h("div", { id: "field" });
  const stage = h("section", { class: "panel result", "aria-label": "What is at the point" });
  const sliders = h("div", { class: "settings sliders" });
  const reached = h("p", { class: "quiet small-text" });
  const model = h("select", { "aria-label": "Model", onchange: () => {
    state.model = model.value;
    state.add = {};
    refresh(true);
  } }, h("option", { value: "" }, "Model: what fits"), ...models.map((each) => h("option", { value: each.name }, each.name)));
  const undo = h("button", { type: "button", class: "button", "aria-label": "Undo", title: "Undo (Ctrl+Z)", onclick: () => past.undo() }, icon(UNDO));
  const redo = h("button", { type: "button", class: "button", "aria-label": "Redo", title: "Redo (Ctrl+Shift+Z)", onclick: () => past.redo() }, icon(REDO));
  const keep = h("button", { type: "button", class: "button", disabled: true, onclick: () => keepCurrent() }, icon(STAR), "Keep");
  const examples = h("button", { type: "button", class: "button primary", onclick: () => useExamples() }, "Try the examples");
  const welcome = h("div", { class: "welcome" },
    h("p", {}, "Drop one file to vary it, two to morph between them, four for a plane."),
    h("p", { class: "quiet" }, "Or begin with something the model invents: Make, on this page."), examples);
  const zero = h("button", { type: "button", class: "link", onclick: () => {
    state.add = {};
    drawSliders();
    changed(true);
  } }, "all to the middle");
  const made = h("ul", {});
  const starred = h("ul", {});
  const makePanel = h("section", { class: "panel", "aria-label": "Make" }, h("h2", {}, "Make"));
  const slidersPanel = h("section", { class: "panel", "aria-label": "Properties", hidden: true },
    h("div", { class: "head" }, h("h2", {}, "Properties"), zero), sliders, reached);
  const madePanel = h("section", { class: "panel", "aria-label": "What was made", hidden: true }, h("h2", {}, "What was made"), made);
  const keptPanel = h("section", { class: "panel", "aria-label": "Favourites", hidden: true },
    h("div", { class: "head" }, h("h2", {}, "Favourites"), exporting()), starred);
  document.body.classList.add("silent");
  document.body.append(h("main", { class: "app studio" },
    h("header", { class: "top" }, h("h1", {}, `${name} studio`), model, h("span", { class: "spring" }), undo, redo, keep,
      h("a", { class: "button", href: "/api" }, "HTTP API")),
    h("div", { class: "stage" },
      h("section", { class: "board", "aria-label": "Corners" }, above, welcome, plane, below, status, stage),
      h("div", { class: "side" }, slidersPanel, makePanel, madePanel, keptPanel))));

  const corners = new Corners([above, below], {
    endings,
    look: (k) => held.get(lookKey(state.corners[k])) ?? { name: held.get(state.corners[k].key).piece.name, place: "…", contents: {}, facts: {} },
    add: (k, files) => addFiles(k, files),
    remove: (k) => {
      state.corners[k] = null;
      refresh(true);
    },
    choose: (k, choice) => {
      state.corners[k] = { ...state.corners[k], ...choice };
      refresh(true);
    },
  });
  const past = new History((found) => {
    state = found;
    refresh(false);
  }, () => {
    undo.disabled = !past.canUndo;
    redo.disabled = !past.canRedo;
  });

  // The plane

  const tintAt = (x, y) => {
    const present = full();
    if (present.length < 2) return TINTS[present[0]?.[1] ?? 0];
    const share = weights(x, y, present.length);
    return [0, 1].map((axis) => share.reduce((sum, part, n) => sum + part * TINTS[present[n][1]][axis], 0));
  };
  /** A colour like a tint, but never grey. */
  const vivid = ([a, b]) => {
    const chroma = Math.hypot(a, b);
    if (chroma >= 0.08) return [a, b];
    const part = chroma / 0.08;
    return [a + (1 - part) * -0.06, b + (1 - part) * -0.05];
  };
  const words = (x, y) => {
    const present = looks();
    const called = present.map((each) => (each?.name ?? "").replace(/\.\w{2,4}$/, ""));
    if (present.length < 2) return called[0] ?? "";
    const share = weights(x, y, present.length);
    return share.map((part, n) => [part, called[n]]).filter(([part]) => part >= 0.005)
      .sort((a, b) => b[0] - a[0]).map(([part, each]) => `${Math.round(100 * part)} % ${each}`).join(", ");
  };
  const field = new Field(plane, {
    x: state.at[0],
    y: state.at[1],
    label: "The plane between the corners. Arrow keys move, with Shift in small steps.",
    describe: words,
    paint: (context, width, height) => paint(context, width, height),
    onmove: (x, y, dragging) => {
      state.at = [x, y];
      changed(!dragging);
    },
    onpress: (moved) => moved || view?.press?.(),
  });
  plane.addEventListener("pointerup", () => past.push(state));

  function paint(context, width, height) {
    const count = full().length;
    const rows = count > 2 ? CELLS : 1;
    const night = dark();
    const plan = view?.plan?.(cells.filter(Boolean));
    context.clearRect(0, 0, width, height);
    for (let k = 0; k < rows * CELLS; k++) {
      const [column, row] = [k % CELLS, Math.floor(k / CELLS)];
      const at = [column / (CELLS - 1), rows > 1 ? row / (rows - 1) : 0];
      const box = { x: (column * width) / CELLS, y: (row * height) / rows, width: width / CELLS, height: height / rows };
      const tint = tintAt(...at);
      context.fillStyle = colour(tint.map((v) => v * 0.5), night ? 0.26 : 0.935);
      context.fillRect(box.x, box.y, box.width + 1, box.height + 1);
      if (cells[k]) view?.cell(context, cells[k], box, tint, plan);
    }
  }

  /** Ask for what is in the cells of the plane, a few at a time. */
  let asking = 0;
  async function fill() {
    const mine = ++asking;
    cells = [];
    field.repaint();
    const count = full().length;
    if (count < 2) return;
    const rows = count > 2 ? CELLS : 1;
    const queue = Array.from({ length: rows * CELLS }, (_, k) => k);
    const worker = async () => {
      while (queue.length && mine === asking) {
        const k = queue.shift();
        const at = [(k % CELLS) / (CELLS - 1), rows > 1 ? Math.floor(k / CELLS) / (rows - 1) : 0];
        try {
          const found = await post("/api/play", { ...point(), at, add: {}, temperature: 0, seed: 0 });
          if (mine !== asking) return;
          cells[k] = found.shown;
          await view?.ready?.(found.shown);
          field.repaint();
        } catch {
          return;
        }
      }
    };
    await Promise.all([worker(), worker(), worker()]);
  }

  // Asking the server

  /** The point as /api/play takes it. */
  function point(settle = false) {
    const present = full();
    const found = looks();
    const options = {};
    for (const [option, fact] of [["bar", (f) => f.facts.bars?.[0]], ["track", (f) => f.facts.parts?.[0]?.part?.[0]], ["face", (f) => f.facts.face]]) {
      if (present.some(([corner]) => corner[option] !== undefined)) {
        // One for each: what was not chosen is what the server chose.
        const values = present.map(([corner], n) => corner[option] ?? fact(found[n]));
        if (values.every((value) => value !== undefined && value !== null)) options[option] = values;
      }
    }
    return {
      corners: found.map((each) => ({ file: each.id })),
      at: [state.at[0], present.length > 2 ? state.at[1] : 0],
      model: state.model || about?.name || null,
      options,
      add: state.add,
      temperature: state.temperature,
      seed: state.seed,
      settle,
    };
  }

  /** Send again what the server no longer keeps, and try once more. */
  async function sure(work) {
    try {
      return await work();
    } catch (error) {
      if (!error.missing?.length) throw error;
      for (const [corner] of full()) await lookAt(corner, true);
      return work();
    }
  }

  let busy = false;
  let again = false;
  let resting = 0;
  /** Show what is at the point: one request at a time, and the newest point wins. */
  async function follow() {
    if (!full().length || !about) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const begin = performance.now();
    const asked = JSON.stringify([state.at, state.add, state.temperature, state.seed, state.corners]);
    try {
      const found = await sure(() => post("/api/play", point()));
      present(found, words(...state.at));
      delays.push(performance.now() - begin);
      if (delays.length > 500) delays.shift();
    } catch (error) {
      say(error.message, true);
    }
    busy = false;
    if (again) {
      again = false;
      follow();
      return;
    }
    clearTimeout(resting);
    if (api.settles && about.settles && Object.values(state.add).some(Boolean)) {
      resting = setTimeout(() => settle(asked), 400);
    }
  }
  const delays = [];

  /** When the sliders rest: search for the edit, which takes longer. */
  async function settle(asked) {
    const same = () => asked === JSON.stringify([state.at, state.add, state.temperature, state.seed, state.corners]);
    if (!same()) return;
    try {
      const found = await sure(() => post("/api/play", point(true)));
      if (!same()) return;
      present(found, words(...state.at));
      const parts = Object.entries(found.reached).map(([each, value]) => `${label(each)} ${value > 0 ? "+" : ""}${value.toFixed(1)}`);
      reached.textContent = parts.length ? `Reached: ${parts.join(", ")}` : "";
    } catch (error) {
      say(error.message, true);
    }
  }

  function present(found, title, thing = null) {
    current = thing ?? { title, model: found.model, kind: about.kind, shown: found.shown, code: found.code };
    document.body.classList.remove("silent");
    view.show(found.shown, title, vivid(tintAt(...state.at)));
    keep.disabled = false;
  }

  /** Something changed: show it, and note it for undo if it is done. */
  function changed(done) {
    reached.textContent = "";
    follow();
    if (done) past.push(state);
  }

  // Files

  async function lookAt(corner, anew = false) {
    const key = lookKey(corner);
    if (!anew && held.has(key)) return held.get(key);
    const { piece: file } = held.get(corner.key);
    const { bar, track, face } = corner;
    const { files: [look] } = await form("/api/files", { inputs: [file] }, { bar, track, face, model: modelFor(corner) });
    held.set(key, look);
    return look;
  }

  function hold(file) {
    const key = String(++serial);
    held.set(key, { piece: file });
    return key;
  }

  async function addFiles(first, files) {
    let problem = "";
    const free = [first, ...LETTERS.keys()].filter((k, n, all) => all.indexOf(k) === n && (k === first || !state.corners[k]));
    for (const [n, file] of files.slice(0, free.length).entries()) {
      const before = state.corners[free[n]];
      state.corners[free[n]] = { key: hold(file.data ? file : await piece(file)) };
      try {
        await lookAt(state.corners[free[n]]);
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
    if (!files.length) return say("The examples are in the project's folder data/, which is not here. Drop files of your own.");
    state = EMPTY();
    await addFiles(0, files);
  }

  /** Show everything anew: after corners or the model changed, and after undo. */
  async function refresh(done) {
    const present = full();
    const count = present.length;
    plane.hidden = count < 2;
    plane.classList.toggle("line", count === 2);
    model.value = state.model;
    welcome.hidden = count > 0;
    corners.show(state.corners);
    try {
      for (const [corner] of present) await lookAt(corner);
      corners.show(state.corners);
      const fits = state.model || looks()[0]?.model || "";
      if (fits && about?.name !== fits) await change(fits);
      field.move(...state.at);
      if (count) say("");
      drawSliders();
      follow();
      fill();
    } catch (error) {
      say(error.message, true);
    }
    if (done) past.push(state);
  }

  async function change(to) {
    if (!abouts.has(to)) {
      say(`Loading ${to} …`);
      abouts.set(to, await get(`/api/models/${encodeURIComponent(to)}`));
    }
    about = abouts.get(to);
    view?.close();
    stage.replaceChildren();
    view = views[about.kind](stage, about, api);
    showThings();
  }

  // Sliders

  const label = (attribute) => attribute.replaceAll("_", " ").toLowerCase();
  const drawn = new Map();
  function drawSliders() {
    slidersPanel.hidden = !about?.attributes.length || !full().length;
    if (slidersPanel.hidden) return;
    if (drawn.get("model") !== about.name) {
      drawn.clear();
      drawn.set("model", about.name);
      sliders.replaceChildren(...about.attributes.map((attribute) => slider(label(attribute), -2, 2, 0.1, attribute, () => state.add[attribute] ?? 0, (value) => {
        if (value) state.add[attribute] = value;
        else delete state.add[attribute];
      })), ...(about.draws ? [
        slider("temperature", 0, 1.5, 0.05, "temperature", () => state.temperature, (value) => { state.temperature = value; }),
        slider("draw", 0, 50, 1, "seed", () => state.seed, (value) => { state.seed = value; }),
      ] : []));
    }
    for (const [key, show] of drawn) if (key !== "model") show();
  }

  function slider(words_, min, max, step, key, read, write) {
    const output = h("output", {});
    const input = h("input", { type: "range", min, max, step, "aria-label": words_, "data-name": key });
    const show = () => {
      input.value = read();
      paintShare();
    };
    const paintShare = () => {
      const value = Number(input.value);
      input.style.setProperty("--share", `${(100 * (value - min)) / (max - min)}%`);
      output.textContent = min < 0 && value > 0 ? `+${value}` : String(value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      write(Number(input.value));
      paintShare();
      changed(false);
    });
    input.addEventListener("change", () => past.push(state));
    drawn.set(key, show);
    return h("label", { class: "setting" }, h("span", {}, words_, output), input);
  }

  // What was made, and favourites

  const shelf = (element, more) => new Shelf(element, {
    paint: (thing, canvas) => viewOf(thing)?.thumb(canvas, thing.shown, TINTS[1]),
    open: (thing) => open(thing),
    use: (thing, k) => addFiles(k, [thing.file]),
    ...more,
  });
  const madeShelf = shelf(made, { keep: (thing) => star(thing) });
  const keptShelf = shelf(starred, { forget: (thing) => {
    kept = kept.filter((each) => each !== thing);
    saveKept();
  } });
  const viewOf = (thing) => (about && thing.kind === about.kind ? view : null);

  function showThings() {
    madePanel.hidden = !things.length;
    keptPanel.hidden = !kept.length;
    madeShelf.show(things);
    keptShelf.show(kept);
  }

  async function open(thing) {
    if (about?.name !== thing.model) await change(thing.model);
    present({ model: thing.model, shown: thing.shown }, thing.title, thing);
    view.begin?.();
  }

  async function star(thing) {
    kept = [thing, ...kept];
    saveKept();
    say(`Kept: ${thing.title}`);
  }

  async function keepCurrent() {
    try {
      await star({ ...current, file: await fileOf(current) });
    } catch (error) {
      say(error.message, true);
    }
  }

  function saveKept() {
    if (!keepFavourites(name, kept)) say("This browser has no more room for favourites: export them.", true);
    showThings();
  }

  /** The file of what is shown. */
  async function fileOf(thing) {
    if (thing.file) return thing.file;
    const asked = { ...point(), code: thing.code, add: {}, at: state.at };
    const response = await fetch("/api/play", { method: "POST", headers: { accept: "application/octet-stream", "content-type": "application/json" }, body: JSON.stringify(asked) });
    if (!response.ok) throw new Refusal((await response.json()).error);
    const content = await response.blob();
    const title = thing.title.replace(/[^\w.-]+/g, "_").slice(0, 60) || name;
    const found = await piece(new File([content], title + about.ending, { type: content.type }));
    return found;
  }

  function exporting() {
    const input = h("input", { type: "file", class: "unseen", accept: ".json", tabindex: "-1", "aria-hidden": "true", onchange: async () => {
      try {
        const found = JSON.parse(await input.files[0].text());
        if (!Array.isArray(found) || !found.every((each) => each.file?.data && each.shown)) throw new Error();
        kept = [...found, ...kept];
        saveKept();
      } catch {
        say("This is no file of favourites.", true);
      }
      input.value = "";
    } });
    return h("span", { class: "group" },
      h("button", { type: "button", class: "link", onclick: () => download(`${name}_favourites.json`, JSON.stringify(kept), "application/json") }, "export"),
      h("button", { type: "button", class: "link", onclick: () => input.click() }, "import"), input);
  }

  new Verbs(makePanel, description, {
    say,
    fields: () => ({ model: state.model }),
    files: async (kind) => {
      if (kind === "corners") return full().map(([corner]) => held.get(corner.key).piece);
      if (!current) throw new Refusal("There is nothing to begin with yet: drop a file, or sample.");
      return [await fileOf(current)];
    },
    done: async (answer, verb) => {
      const results = answer.results ?? [];
      if (results.length && about?.name !== answer.model) await change(answer.model);
      things = [...results.map((each, k) => ({
        title: each.title || `${verb} ${k + 1}`, model: answer.model, kind: abouts.get(answer.model).kind, shown: each.shown, file: each.file,
      })), ...things].slice(0, 60);
      showThings();
      say([`${results.length} made.`, ...(answer.notes ?? [])].join(" "));
      if (results.length) open(things[0]);
    },
  });

  const api = { say, fileOf: () => fileOf(current), blob, tintAt, current: () => current, keep: keepCurrent, settles: true, delays, field, state: () => state, post };
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
    const first = state.corners.findIndex((corner) => !corner);
    addFiles(Math.max(first, 0), [...event.dataTransfer.files]);
  });
  past.push(state);
  await refresh(false);
  say("");
  showThings();
  globalThis.studio = api;
}
