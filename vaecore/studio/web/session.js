// What the page holds: the visitor's state, the files, what the server found in them, and the model.

import { form, get, post } from "./server.js";

/** How a visit begins. */
export const EMPTY = () => ({ corners: [null, null, null, null], at: [0.5, 0.5], model: "", add: {}, temperature: 0, seed: 0 });

/** What the server takes of a file where the visitor chose nothing, by option of /api/play. */
const FACTS = [
  ["bar", (facts) => facts.bars?.[0]],
  ["track", (facts) => facts.parts?.[0]?.part?.[0]],
  ["face", (facts) => facts.face],
];

/**
 * What a kind of thing looks like; the package's own script has one for each.
 * @typedef {Object} View
 * @property {(shown: any, words: string, tint: number[]) => void | Promise<void>} show
 * @property {(canvas: HTMLCanvasElement, shown: any, tint: number[]) => void} thumb
 * @property {(shown: any[]) => any} [plan] what cells have in common
 * @property {(context: CanvasRenderingContext2D, shown: any, box: any, tint: number[], plan: any) => void} cell
 * @property {(shown: any) => Promise<any>} [ready] wait until a cell can be drawn
 * @property {() => void} [press] the point was pressed
 * @property {() => void} [begin] something was opened, to be heard
 * @property {() => void} close
 */

export class Session {
  constructor() {
    this.state = EMPTY();
    /** @type {any} What /api/models tells of the model. */
    this.about = null;
    /** @type {View|null} */
    this.view = null;
    /** @type {any} What is shown. */
    this.current = null;
    this.serial = 0;
    /** Pieces by their key, and what the server found in them by what was chosen of them. */
    this.held = new Map();
    /** Abouts of models by name. */
    this.abouts = new Map();
  }

  /** Corners with a file, and which corner each is. */
  full() {
    return this.state.corners.map((corner, k) => [corner, k]).filter(([corner]) => corner);
  }

  /** What the server found in the file of each of them. */
  looks() {
    return this.full().map(([corner]) => this.held.get(this.#key(corner)));
  }

  /** @param {import("./corners.js").Corner} corner */
  look(corner) {
    return this.held.get(this.#key(corner));
  }

  /** @param {import("./corners.js").Corner} corner @returns {import("./server.js").Piece} */
  piece(corner) {
    return this.held.get(corner.key).piece;
  }

  /** The model for a corner: the one that was chosen, or that of the first corner. */
  #modelFor(corner) {
    const first = this.full()[0]?.[0];
    return this.state.model || (first && first !== corner ? this.look(first)?.model : "") || "";
  }

  #key(corner) {
    return JSON.stringify([corner.key, corner.bar, corner.track, corner.face, this.#modelFor(corner)]);
  }

  /** Hold a file, and return its key. @param {import("./server.js").Piece} piece */
  hold(piece) {
    const key = String(++this.serial);
    this.held.set(key, { piece });
    return key;
  }

  /** Have the server read a corner's file, if it did not yet, or anew. */
  async read(corner, anew = false) {
    const key = this.#key(corner);
    if (!anew && this.held.has(key)) return;
    const { bar, track, face } = corner;
    const { files: [look] } = await form("/api/files", { inputs: [this.piece(corner)] }, { bar, track, face, model: this.#modelFor(corner) });
    this.held.set(key, look);
  }

  /** Take another model. @param {string} name */
  async load(name) {
    if (!this.abouts.has(name)) this.abouts.set(name, await get(`/api/models/${encodeURIComponent(name)}`));
    this.about = this.abouts.get(name);
  }

  /** The point as /api/play takes it. */
  point(settle = false) {
    const present = this.full();
    const found = this.looks();
    const options = {};
    for (const [option, fact] of FACTS) {
      if (present.some(([corner]) => corner[option] !== undefined)) {
        // One for each: what was not chosen is what the server chose.
        const values = present.map(([corner], n) => corner[option] ?? fact(found[n].facts));
        if (values.every((value) => value !== undefined && value !== null)) options[option] = values;
      }
    }
    const { state } = this;
    return {
      corners: found.map((each) => ({ file: each.id })),
      at: [state.at[0], present.length > 2 ? state.at[1] : 0],
      model: state.model || this.about?.name || null,
      options,
      add: state.add,
      temperature: state.temperature,
      seed: state.seed,
      settle,
    };
  }

  /** Ask what is at the point; what the server no longer keeps is sent again, once. */
  async play(settle = false) {
    try {
      return await post("/api/play", this.point(settle));
    } catch (error) {
      if (!error.missing?.length) throw error;
      for (const [corner] of this.full()) await this.read(corner, true);
      return post("/api/play", this.point(settle));
    }
  }
}
