// The corners: which files are blended, and what is taken of each.

import { h, icon } from "vaecore/page/dom.js";

const GONE = "M6.400 5 12 10.600 17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600 10.600 12 5 6.400z";
export const LETTERS = ["A", "B", "C", "D"];

/**
 * What is in a corner: a file that the page holds, and what the visitor chose of it.
 * @typedef {{key: string, bar?: number, track?: string, face?: number}} Corner
 */

export class Corners {
  /**
   * @param {HTMLElement[]} rows above and below the plane
   * @param {Object} options
   * @param {(k: number) => any} options.look what the server found in the file of a corner
   * @param {(k: number, files: File[]) => void} options.add
   * @param {(k: number) => void} options.remove
   * @param {(k: number, choice: Record<string, any>) => void} options.choose
   * @param {string} options.endings
   */
  constructor(rows, options) {
    this.options = options;
    this.slots = LETTERS.map((letter, k) => {
      const input = h("input", { type: "file", class: "unseen", accept: options.endings, multiple: true, tabindex: "-1", "aria-hidden": "true", onchange: () => {
        options.add(k, [...input.files]);
        input.value = "";
      } });
      const open = h("button", { type: "button", class: "open", onclick: () => input.click() });
      const remove = h("button", { type: "button", class: "icon", hidden: true, "aria-label": `Empty corner ${letter}`, onclick: () => options.remove(k) }, icon(GONE));
      const choices = h("div", { class: "choices" });
      const element = h("div", { class: "slot" }, h("b", { "aria-hidden": "true" }, letter), open, choices, remove, input);
      element.addEventListener("dragover", (event) => {
        event.preventDefault();
        element.classList.add("over");
      });
      element.addEventListener("dragleave", () => element.classList.remove("over"));
      element.addEventListener("drop", (event) => {
        event.preventDefault();
        event.stopPropagation();
        element.classList.remove("over");
        options.add(k, [...event.dataTransfer.files]);
      });
      rows[k < 2 ? 0 : 1].append(element);
      return { element, open, remove, choices };
    });
  }

  /** @param {(Corner|null)[]} corners */
  show(corners) {
    for (const [k, { element, open, remove, choices }] of this.slots.entries()) {
      const corner = corners[k];
      const look = corner && this.options.look(k);
      element.classList.toggle("full", Boolean(corner));
      remove.hidden = !corner;
      open.title = "Choose a file, or drop one here";
      open.replaceChildren(h("span", { class: "unseen" }, `Corner ${LETTERS[k]}: `), ...(look
        ? [h("span", { class: "name" }, look.name), h("span", { class: "quiet" }, look.place || "")]
        : [h("span", { class: "quiet" }, "Drop or choose a file")]));
      choices.replaceChildren(...(look ? this.#choices(k, corner, look) : []));
    }
  }

  #choices(k, corner, look) {
    const found = [];
    const pick = (label, name, options, value) => {
      const select = h("select", { "aria-label": `${label} of corner ${LETTERS[k]}`, onchange: () => {
        this.options.choose(k, { [name]: select.value === "" ? undefined : select.value });
      } }, ...options.map(([each, words]) => h("option", { value: each, selected: String(each) === String(value) }, words)));
      found.push(select);
    };
    const { parts = [], bars = 0 } = look.contents;
    if (parts.length > 1) {
      const words = (part) => `${part.number} ${part.name || part.use}`.slice(0, 28);
      pick("Part", "track", [["", "likeliest part"], ...parts.map((part) => [part.number, words(part)])], corner.track ?? "");
    }
    const length = look.facts.bars ? look.facts.bars[1] - look.facts.bars[0] + 1 : 0;
    if (length && bars > length) {
      const starts = Array.from({ length: bars - length + 1 }, (_, bar) => bar + 1).slice(0, 400);
      pick("Bar", "bar", starts.map((bar) => [bar, `bar ${bar}`]), corner.bar ?? look.facts.bars[0]);
    }
    if (look.facts.faces > 1) {
      const faces = Array.from({ length: look.facts.faces }, (_, face) => face + 1);
      pick("Face", "face", faces.map((face) => [face, `face ${face}`]), corner.face ?? look.facts.face);
    }
    return found;
  }
}
