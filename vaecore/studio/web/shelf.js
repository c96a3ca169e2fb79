// Shelves of results and favourites: cards to open, to put into a corner, to keep and to save.

import { CROSS, SAVE, download, h, icon } from "vaecore/page/dom.js";
import { LETTERS } from "./corners.js";
import { blob } from "./server.js";

export const STAR = "M12 3.6l2.6 5.300 5.800.85-4.200 4.100 1 5.800L12 16.900l-5.200 2.750 1-5.800-4.200-4.100 5.800-.85z";

/**
 * A result: how it is drawn, and its file.
 * @typedef {{title: string, model: string, kind: string, shown: any, file: import("./server.js").Piece, code?: number[]}} Thing
 */

export class Shelf {
  /**
   * @param {HTMLElement} element
   * @param {Object} options
   * @param {(thing: Thing, canvas: HTMLCanvasElement) => void} options.paint
   * @param {(thing: Thing) => void} options.open shows or plays it
   * @param {(thing: Thing, corner: number) => void} options.use puts it into a corner
   * @param {(thing: Thing) => void} [options.keep] makes it a favourite
   * @param {(thing: Thing) => void} [options.forget] removes it
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
        forget ? small("Remove", CROSS, () => forget(thing)) : null));
  }
}

const KEY = (name) => `${name}.studio.favourites`;

/** The favourites that the browser stores. @param {string} name of the command @returns {Thing[]} */
export function favourites(name) {
  try {
    const found = JSON.parse(localStorage.getItem(KEY(name)) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** Store favourites in the browser; returns whether they fit. @param {string} name @param {Thing[]} things */
export function keepFavourites(name, things) {
  try {
    localStorage.setItem(KEY(name), JSON.stringify(things));
    return true;
  } catch {
    return false;
  }
}
