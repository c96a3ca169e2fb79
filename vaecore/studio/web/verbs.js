// The verbs as forms, made from the server's OpenAPI description.

import { h } from "vaecore/page/dom.js";
import { form } from "./server.js";

const FIRST = ["n", "steps", "rows", "columns", "amount", "add", "temperature", "seed"];
const NEVER = ["inputs", "output", "model", "into", "separate", "wav", "png", "soundfont", "all", "bar", "track", "channel", "part", "face"];
const ORDER = ["sample", "similar", "reconstruct", "edit", "interpolate", "morph", "palette", "humanize", "drumify"];
const TITLES = {
  sample: "Sample: invent something new",
  similar: "Similar: vary this",
  reconstruct: "Reconstruct: encode and decode this",
  edit: "Edit: more or less of a property",
  interpolate: "Interpolate: steps between the corners",
  morph: "Morph: steps between the corners",
  palette: "Palette: a grid between four corners",
  humanize: "Humanize: a drummer's feel",
  drumify: "Drumify: a rhythm becomes drums",
};

/** The inputs of a verb: none, the result that is shown, or the corners. */
function inputs(verb) {
  if (verb === "sample") return "none";
  return ["interpolate", "morph", "palette"].includes(verb) ? "corners" : "this";
}

export class Verbs {
  /**
   * @param {HTMLElement} element
   * @param {any} description the OpenAPI description
   * @param {Object} options
   * @param {(kind: "this"|"corners") => Promise<import("./server.js").Piece[]>} options.files
   * @param {() => Record<string, any>} options.fields further fields of all verbs: the model
   * @param {(answer: any, verb: string) => void} options.done called with the answer
   * @param {(text: string, bad?: boolean) => void} options.say
   */
  constructor(element, description, options) {
    this.options = options;
    this.schemas = {};
    for (const verb of ORDER) {
      const call = description.paths[`/api/${verb}`]?.post;
      if (call) this.schemas[verb] = call.requestBody.content["multipart/form-data"].schema.properties;
    }
    this.verb = Object.keys(this.schemas)[0];
    this.select = h("select", { "aria-label": "What to make", onchange: () => this.choose(this.select.value) },
      ...Object.keys(this.schemas).map((verb) => h("option", { value: verb }, TITLES[verb] ?? verb)));
    this.fields = h("div", { class: "settings" });
    this.more = h("div", { class: "settings" });
    this.details = h("details", {}, h("summary", {}, "More options"), this.more);
    this.button = h("button", { type: "submit", class: "button primary" }, "Make");
    element.append(h("form", { class: "verbs", onsubmit: (event) => {
      event.preventDefault();
      this.run();
    } }, this.select, this.fields, this.details, this.button));
    this.choose(this.verb);
  }

  /** Show the options of a verb. @param {string} verb */
  choose(verb) {
    this.verb = this.select.value = verb;
    const known = Object.entries(this.schemas[verb]).filter(([name, each]) =>
      !NEVER.includes(name) && each.format !== "binary" && each.items?.format !== "binary");
    const field = ([name, each]) => control(name, each);
    const first = ([name]) => FIRST.includes(name);
    this.fields.replaceChildren(...known.filter(first).map(field));
    this.more.replaceChildren(...known.filter((each) => !first(each)).map(field));
    this.details.hidden = !this.more.children.length;
  }

  /** Send the form. */
  async run() {
    const { verb } = this;
    const values = { ...this.options.fields() };
    for (const input of [...this.fields.querySelectorAll("[name]"), ...this.more.querySelectorAll("[name]")]) {
      const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value.trim();
      if (value !== "") values[input.name] = input.dataset.several ? value.split(/\s+/) : value;
    }
    this.button.disabled = true;
    this.options.say(`${verb} …`);
    try {
      const kind = inputs(verb);
      const files = kind === "none" ? [] : await this.options.files(kind);
      this.options.done(await form(`/api/${verb}`, { inputs: files }, values), verb);
    } catch (error) {
      this.options.say(error.message, true);
    } finally {
      this.button.disabled = false;
    }
  }
}

/** A labelled field for an option. */
function control(name, schema) {
  const several = schema.type === "array";
  const { type, enum: choices, minimum, maximum } = several ? schema.items : schema;
  const words = name === "n" ? "how many" : name.replaceAll("_", " ");
  if (type === "boolean") return h("label", { class: "check", title: schema.description }, h("input", { type: "checkbox", name }), words);
  let input;
  if (choices) {
    input = h("select", { name }, h("option", { value: "" }, "default"), ...choices.map((value) => h("option", { value }, value)));
  } else if (type === "integer" || type === "number") {
    const step = type === "integer" ? 1 : "any";
    input = h("input", { type: "number", name, min: minimum, max: maximum, step, value: schema.default ?? "", placeholder: "default" });
  } else {
    input = h("input", { type: "text", name, placeholder: name === "add" ? "note_density=1" : "default" });
  }
  if (several) input.dataset.several = "true";
  return h("label", { class: "setting", title: schema.description }, h("span", {}, words), input);
}
