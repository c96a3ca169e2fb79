// Results and favourites: small pictures that are heard or seen, put into a corner, kept, saved.

import { download, h, icon } from "vaecore/page/dom.js";
import { blob } from "./server.js";

export const STAR = "M12 3.6l2.6 5.300 5.800.85-4.200 4.100 1 5.800L12 16.900l-5.200 2.750 1-5.800-4.200-4.100 5.800-.85z";
const SAVE = "M11 4h2v8.2l3-3 1.4 1.4L12 16l-5.4-5.4L8 9.2l3 3zM5 18h14v2H5z";
const GONE = "M6.400 5 12 10.600 17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600 10.600 12 5 6.400z";
const LETTERS = ["A", "B", "C", "D"];

/**
 * One thing that can be heard or seen.
 * @typedef {{title: string, model: string, kind: string, shown: any, file: import("./server.js").Piece, code?: number[]}} Thing
 */

export class Shelf {
  /**
   * @param {HTMLElement} element
   * @param {Object} options
   * @param {(thing: Thing, canvas: HTMLCanvasElement) => void} options.paint
   * @param {(thing: Thing) => void} options.open hear or see it
   * @param {(thing: Thing, corner: number) => void} options.use put it into a corner
   * @param {(thing: Thing) => void} [options.keep] make it a favourite
   * @param {(thing: Thing) => void} [options.forget]
   */
  constructor(element, options) {
    this.element = element;
    this.options = options;
    element.classList.add("shelf");
  }

  /** @param {Thing[]} things */
  show(things) {
    this.element.replaceChildren(...things.map((thing) => this.#card(thing)));
    for (const [k, canvas] of [...this.element.querySelectorAll("canvas")].entries()) {
      this.options.paint(things[k], canvas);
    }
  }

  #card(thing) {
    const { open, use, keep, forget } = this.options;
    const small = (label, path, act) => h("button", { type: "button", class: "icon", "aria-label": `${label}: ${thing.title}`, title: label, onclick: act }, icon(path));
    const corners = LETTERS.map((letter, k) => h("button", {
      type: "button", class: "letter", "aria-label": `${thing.title} into corner ${letter}`, onclick: () => use(thing, k),
    }, letter));
    return h("li", { class: "card" },
      h("button", { type: "button", class: "thumb", "aria-label": thing.title, onclick: () => open(thing) },
        h("canvas", { "aria-hidden": "true" }), h("span", {}, thing.title)),
      h("div", { class: "tools" }, ...corners,
        keep ? small("Keep", STAR, () => keep(thing)) : null,
        small("Save", SAVE, () => download(thing.file.name, blob(thing.file))),
        forget ? small("Remove", GONE, () => forget(thing)) : null));
  }
}

const KEY = (name) => `${name}.studio.favourites`;

/** Favourites, which stay in the browser. @param {string} name @returns {Thing[]} */
export function favourites(name) {
  try {
    const found = JSON.parse(localStorage.getItem(KEY(name)) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** Keep favourites; returns whether there was room. @param {string} name @param {Thing[]} things */
export function keepFavourites(name, things) {
  try {
    localStorage.setItem(KEY(name), JSON.stringify(things));
    return true;
  } catch {
    return false;
  }
}
