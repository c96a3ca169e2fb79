// Results, and favourites, which the browser stores.

import { download, h } from "vaecore/page/dom.js";
import { Refusal, piece, raw } from "./server.js";
import { TINTS } from "./plane.js";
import { Shelf, favourites, keepFavourites } from "./shelf.js";

/** Most results that are shown. */
const MOST = 60;

export class Things {
  /**
   * @param {string} name of the command
   * @param {import("./session.js").Session} session
   * @param {Object} options
   * @param {{made: HTMLElement, kept: HTMLElement}} options.panels hidden while empty
   * @param {{made: HTMLElement, kept: HTMLElement}} options.lists
   * @param {(thing: import("./shelf.js").Thing) => void} options.open shows or plays it
   * @param {(thing: import("./shelf.js").Thing, corner: number) => void} options.use puts it into a corner
   * @param {(text: string, bad?: boolean) => void} options.say
   */
  constructor(name, session, options) {
    Object.assign(this, { name, session, options });
    this.made = [];
    this.kept = favourites(name);
    const shelf = (element, more) => new Shelf(element, {
      paint: (thing, canvas) => {
        if (session.about && thing.kind === session.about.kind) session.view?.thumb(canvas, thing.shown, TINTS[1]);
      },
      open: options.open,
      use: options.use,
      ...more,
    });
    this.shelves = {
      made: shelf(options.lists.made, { keep: (thing) => this.#keep(thing) }),
      kept: shelf(options.lists.kept, { forget: (thing) => {
        this.kept = this.kept.filter((each) => each !== thing);
        this.#save();
      } }),
    };
  }

  /** Draw both shelves. */
  show() {
    for (const which of ["made", "kept"]) {
      this.options.panels[which].hidden = !this[which].length;
      this.shelves[which].show(this[which]);
    }
  }

  /** Add results. @param {import("./shelf.js").Thing[]} things */
  add(things) {
    this.made = [...things, ...this.made].slice(0, MOST);
    this.show();
  }

  #keep(thing) {
    this.kept = [thing, ...this.kept];
    this.#save();
    this.options.say(`Kept: ${thing.title}`);
  }

  /** Make the result that is shown a favourite. */
  async keepCurrent() {
    const { current } = this.session;
    try {
      this.#keep({ ...current, file: await this.file(current) });
    } catch (error) {
      this.options.say(error.message, true);
    }
  }

  #save() {
    if (!keepFavourites(this.name, this.kept)) this.options.say("This browser cannot store more favourites: export them, and remove some.", true);
    this.show();
  }

  /** The file of a result. @returns {Promise<import("./server.js").Piece>} */
  async file(thing) {
    if (thing.file) return thing.file;
    const { session } = this;
    const content = await raw("/api/play", { ...session.point(), code: thing.code, add: {}, at: session.state.at });
    const title = thing.title.replace(/[^\w.-]+/g, "_").slice(0, 60) || this.name;
    return piece(new File([content], title + session.about.ending, { type: content.type }));
  }

  /** Buttons that write all favourites into a file, and read them from one. */
  exchange() {
    const input = h("input", { type: "file", class: "unseen", accept: ".json", tabindex: "-1", "aria-hidden": "true", onchange: async () => {
      try {
        const found = JSON.parse(await input.files[0].text());
        if (!Array.isArray(found) || !found.every((each) => each.file?.data && each.shown)) throw new Refusal("other content");
        this.kept = [...found, ...this.kept];
        this.#save();
      } catch {
        this.options.say("This is not a file of favourites: choose one that was saved with export.", true);
      }
      input.value = "";
    } });
    return h("span", { class: "group" },
      h("button", { type: "button", class: "link", onclick: () => download(`${this.name}_favourites.json`, JSON.stringify(this.kept), "application/json") }, "export"),
      h("button", { type: "button", class: "link", onclick: () => input.click() }, "import"), input);
  }
}
