// The buttons at the corners of a model's page: open a MIDI file, or draw a sample of the model.

import { h, icon } from "vaecore/page/dom.js";
import { DICE } from "vaecore/page/slider.js";
import { readWindow } from "./model/reading.js";

const LARGEST = 12_000_000; // bytes of a file
const OPEN = "M12 3l5.500 5.500-1.400 1.400L13 6.800V16h-2V6.800L7.900 9.900 6.500 8.500zM4 18h16v2H4z";
const POSITIONS = ["top left", "top right", "bottom left", "bottom right"];

export class Slots {
  /**
   * @param corners the corners, with their `name`; changed in place
   * @param {{page: Object, field: HTMLElement, cornerOf: (source: Object) => Promise<Object>,
   *   tint: (n: number) => string, onplace: (n: number) => void, say: (text: string) => void}} options
   *   `cornerOf` makes a corner of a window; `onplace` is called when a corner has changed
   */
  constructor(corners, options) {
    Object.assign(this, { corners, ...options });
    this.drawn = 0;
    this.asked = 0;
    this.turns = corners.map(() => 0);
    this.input = document.getElementById("file");
    this.input.addEventListener("change", () => {
      if (this.input.files.length) this.take(this.asked, this.input.files[0]);
      this.input.value = "";
    });
    this.slots = corners.map((_, n) => this.slot(n));
    this.fill();
    if (this.page.reading) this.accept();
    else this.decline();
  }

  /** Make the name and the buttons of a corner. */
  slot(n) {
    const { page } = this;
    const name = h("span", { class: "name" });
    const parts = h("select", { hidden: true, "aria-label": `Part in the corner ${POSITIONS[n]}` });
    parts.addEventListener("change", () => {
      const { bytes, name: called } = this.corners[n];
      this.place(n, called, readWindow(bytes, page.reading, Number(parts.value)), bytes);
    });
    const open = h("button", { type: "button", class: "button", title: "Open a MIDI file of your own", "aria-label": `Open a MIDI file for the corner ${POSITIONS[n]}`, onclick: () => {
      this.asked = n;
      this.input.click();
    } }, icon(OPEN), h("span", { class: "words" }, "MIDI file"));
    const dice = h("button", { type: "button", class: "button", title: "Draw a new sample of the model", "aria-label": `Invent the corner ${POSITIONS[n]}`, onclick: () => {
      const made = page.draws[this.drawn % page.draws.length];
      this.drawn += 1;
      this.place(n, `Invented ${4 + this.drawn}`, made);
    } }, icon(DICE));
    const element = h("div", { class: "slot" }, name, page.reading ? open : null, page.draws.length ? dice : null, parts);
    document.getElementById(n < 2 ? "above" : "below").append(element);
    return { element, name, parts };
  }

  /** Show names and parts of the corners, in the present colours. */
  fill() {
    this.slots.forEach(({ name, parts }, n) => {
      const corner = this.corners[n];
      name.textContent = name.title = corner.name;
      name.style.setProperty("--tint", this.tint(n));
      const several = corner.bytes && corner.parts?.length > 1;
      parts.hidden = !several;
      parts.replaceChildren(...(several ? corner.parts : []).map((each) =>
        h("option", { value: each.part, selected: each.part === corner.part }, each.name)));
    });
  }

  /** Put music into a corner, unless the visitor put something else there meanwhile. */
  async place(n, name, source, bytes = null) {
    const turn = ++this.turns[n];
    const corner = { ...await this.cornerOf(source), name, bytes };
    if (turn !== this.turns[n]) return;
    this.corners[n] = corner;
    this.fill();
    this.onplace(n);
  }

  /** Read a visitor's file into a corner. */
  async take(n, file) {
    try {
      if (file.size > LARGEST) throw new Error(`is larger than ${LARGEST / 1e6} MB`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const name = file.name.replace(/\.(midi?|kar)$/i, "");
      await this.place(n, name, readWindow(bytes, this.page.reading), bytes);
      this.say(`${file.name} is in the corner.`);
    } catch (error) {
      this.say(`${file.name} ${error.message.startsWith("this") ? "cannot be read: " : ""}${error.message}.`);
    }
  }

  /** Read files that are dropped on the page, each into the nearest corner. */
  accept() {
    const over = (n) => this.slots.forEach(({ element }, k) => element.classList.toggle("over", k === n));
    const nearest = (event) => {
      const box = this.field.getBoundingClientRect();
      const [right, down] = [event.clientX > box.left + box.width / 2, event.clientY > box.top + box.height / 2];
      return Number(right) + 2 * Number(down);
    };
    addEventListener("dragover", (event) => {
      event.preventDefault();
      over(nearest(event));
    });
    addEventListener("dragleave", (event) => event.relatedTarget ?? over(-1));
    addEventListener("drop", (event) => {
      event.preventDefault();
      over(-1);
      const [file] = event.dataTransfer.files;
      if (file) this.take(nearest(event), file);
    });
  }

  /** Explain why files cannot be opened on the page. */
  decline() {
    const reason = this.page.whole === false
      ? "The model's encoder is too large for a page, so that it cannot open files."
      : "This page cannot open files: for this model, seqvae itself must choose the parts of a song.";
    const why = `${reason} To use music of your own, make a page with it: seqvae page ${this.page.model} A.mid B.mid`;
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault(); // or the browser leaves the page for the file
      this.say(why);
    });
    this.say(why);
  }
}
