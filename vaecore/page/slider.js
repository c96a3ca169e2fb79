// Sliders, their labels, and the icon of a die, for pages with a model inside.

import { h } from "./dom.js";

/** Path of the icon of a button that draws a new sample. */
export const DICE = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm3.500 3.500a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zm7 0a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zm-7 7a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zm7 0a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z";

/** An attribute's name as a label. */
export function titled(name) {
  return name[0].toUpperCase() + name.slice(1).toLowerCase().replaceAll("_", " ");
}

/** A number with its sign, as text. */
export function signed(value) {
  const size = Number(Math.abs(value).toFixed(2));
  return value > 0 ? `+${size}` : value < 0 ? `−${size}` : "0";
}

/**
 * A labelled slider.
 * @param {string} name
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} words the text of a value
 * @param {(value: number) => void} changed
 */
export function slider(name, range, words, changed) {
  const output = h("output", {});
  const input = h("input", { type: "range", ...range, "aria-label": name });
  const show = () => {
    const value = Number(input.value);
    const share = (value - range.min) / (range.max - range.min);
    input.style.setProperty("--share", `${100 * share}%`);
    output.textContent = words(value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    changed(Number(input.value));
    show();
  });
  show();
  const element = h("label", { class: "setting" }, h("span", {}, name, output), input);
  return { element, input, output, show, set(value) { input.value = value; show(); } };
}

/**
 * A slider for each attribute, and a button that sets all of them to 0.
 * @param {{name: string, description: string}[]} attributes
 * @param {number[]} amounts strength of each attribute; the sliders change it in place
 * @param {{reach: number, step: number}} range from -reach to reach
 * @param {() => void} changed
 * @returns {{knobs: HTMLElement[], plain: HTMLElement}}
 */
export function attributeSliders(attributes, amounts, { reach, step }, changed) {
  const knobs = attributes.map(({ name, description }, k) => {
    const knob = slider(titled(name), { min: -reach, max: reach, step, value: 0 }, signed, (value) => {
      amounts[k] = value;
      plain.disabled = !amounts.some(Boolean);
      changed();
    });
    knob.element.title = description;
    return knob;
  });
  const plain = h("button", { type: "button", class: "button", disabled: true, onclick: () => {
    amounts.fill(0);
    for (const knob of knobs) knob.set(0);
    plain.disabled = true;
    changed();
  } }, "Sliders to 0");
  return { knobs: knobs.map(({ element }) => element), plain };
}
