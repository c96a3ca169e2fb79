// The corners: which files are blended, and which part, bar or face of each.

import { CROSS, h, icon } from "vaecore/page/dom.js";

export const LETTERS = ["A", "B", "C", "D"];

/**
 * A corner: the key of a file that the page holds, and what the visitor chose of it.
 * @typedef {{key: string, bar?: number, track?: string, face?: number}} Corner
 */

export class Corners {
  /**
   * @param {HTMLElement[]} rows above and below the plane
   * @param {Object} options
   * @param {(k: number) => any} options.look the answer of /api/files for the file of corner k
   * @param {(k: number, files: File[]) => void} options.add puts files into corners, from corner k on
   * @param {(k: number) => void} options.remove empties a corner
   * @param {(k: number, choice: Record<string, any>) => void} options.choose another part, bar or face
   * @param {string} options.endings of the files that the file chooser offers
   */
  constructor(rows, options) {
    this.options = options;
    this.slots = LETTERS.map((letter, k) => {
      const input = h("input", { type: "file", class: "unseen", accept: options.endings, multiple: true, tabindex: "-1", "aria-hidden": "true", onchange: () => {
        options.add(k, [...input.files]);
        input.value = "";
      } });
      const open = h("button", { type: "button", class: "open", onclick: () => input.click() });
      const remove = h("button", { type: "button", class: "icon", hidden: true, "aria-label": `Empty corner ${letter}`, onclick: () => options.remove(k) }, icon(CROSS));
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
