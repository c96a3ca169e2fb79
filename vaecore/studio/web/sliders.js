// A slider for each attribute of the model, for the temperature, and for the seed.

import { signed, slider } from "vaecore/page/slider.js";
import { label } from "./follow.js";

export class Sliders {
  /**
   * @param {HTMLElement} panel hidden while there is no file or no attribute
   * @param {HTMLElement} element in the panel, for the sliders
   * @param {import("./session.js").Session} session
   * @param {Object} options
   * @param {() => void} options.oninput a slider moves
   * @param {() => void} options.onrest a slider was released
   */
  constructor(panel, element, session, options) {
    Object.assign(this, { panel, element, session, options });
    /** Name of the model whose sliders are shown. */
    this.model = "";
    /** @type {(() => void)[]} Each sets a slider to its value in the state. */
    this.sets = [];
  }

  /** Show the sliders of the model, with the values of the state. */
  show() {
    const { session } = this;
    const { about } = session;
    this.panel.hidden = !about?.attributes.length || !session.full().length;
    if (this.panel.hidden) return;
    if (this.model !== about.name) {
      this.model = about.name;
      this.sets = [];
      this.element.replaceChildren(...about.attributes.map((attribute) => this.#slider(label(attribute), attribute, -2, 2, 0.1,
        () => session.state.add[attribute] ?? 0, (value) => {
          if (value) session.state.add[attribute] = value;
          else delete session.state.add[attribute];
        })), ...(about.draws ? [this.#plain("temperature", "temperature", 1.5, 0.05), this.#plain("draw", "seed", 50, 1)] : []));
    }
    for (const set of this.sets) set();
  }

  /** A slider for a number of the state, from 0 to `max`. */
  #plain(words, name, max, step) {
    const { session } = this;
    return this.#slider(words, name, 0, max, step, () => session.state[name], (value) => { session.state[name] = value; });
  }

  #slider(words, name, min, max, step, read, write) {
    const knob = slider(words, { min, max, step, value: read() }, min < 0 ? signed : String, (value) => {
      write(value);
      this.options.oninput();
    });
    knob.input.dataset.name = name;
    knob.input.addEventListener("change", this.options.onrest);
    this.sets.push(() => knob.set(read()));
    return knob.element;
  }
}
