// The page's data: the visitor's state, the files, the server's answers about them, and the model.

import { form, get, post } from "./server.js";

/** The state at the beginning. */
export const EMPTY = () => ({ corners: [null, null, null, null], at: [0.5, 0.5], model: "", add: {}, temperature: 0, seed: 0 });

/** The server's own choice in a file, from its answer, by option of /api/play. */
const FACTS = [
  ["bar", (facts) => facts.bars?.[0]],
  ["track", (facts) => facts.parts?.[0]?.part?.[0]],
  ["face", (facts) => facts.face],
];

/**
 * Draws the examples of one kind (music, text, picture); made by the package's own script.
 * @typedef {Object} View
 * @property {(shown: any, words: string, tint: number[]) => void | Promise<void>} show
 * @property {(canvas: HTMLCanvasElement, shown: any, tint: number[]) => void} thumb
 * @property {(shown: any[]) => any} [plan] a layout for all cells
 * @property {(context: CanvasRenderingContext2D, shown: any, box: any, tint: number[], plan: any) => void} cell
 * @property {(shown: any) => Promise<any>} [ready] wait until a cell can be drawn
 * @property {() => void} [press] the point was pressed
 * @property {() => void} [begin] plays what was opened
 * @property {() => void} close
 */

export class Session {
  constructor() {
    this.state = EMPTY();
    /** @type {any} The answer of /api/models/{name} for the model. */
    this.about = null;
    /** @type {View|null} */
    this.view = null;
    /** @type {any} The result that is shown. */
    this.current = null;
    this.serial = 0;
    /** Pieces by their key, and answers of /api/files by key and choices. */
    this.held = new Map();
    /** Answers of /api/models/{name} by name. */
    this.abouts = new Map();
  }

  /** The corners with a file, each with its number. */
  full() {
    return this.state.corners.map((corner, k) => [corner, k]).filter(([corner]) => corner);
  }

  /** The answer of /api/files for each of them. */
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

  /** Keep a file in the page, and return its key. @param {import("./server.js").Piece} piece */
  hold(piece) {
    const key = String(++this.serial);
    this.held.set(key, { piece });
    return key;
  }

  /** Send a corner's file to the server, unless it was sent; with `anew`, in any case. */
  async read(corner, anew = false) {
    const key = this.#key(corner);
    if (!anew && this.held.has(key)) return;
    const { bar, track, face } = corner;
    const { files: [look] } = await form("/api/files", { inputs: [this.piece(corner)] }, { bar, track, face, model: this.#modelFor(corner) });
    this.held.set(key, look);
  }

  /** Switch to a model. @param {string} name */
  async load(name) {
    if (!this.abouts.has(name)) this.abouts.set(name, await get(`/api/models/${encodeURIComponent(name)}`));
    this.about = this.abouts.get(name);
  }

  /** The request for /api/play. */
  point(settle = false) {
    const present = this.full();
    const found = this.looks();
    const options = {};
    for (const [option, fact] of FACTS) {
      if (present.some(([corner]) => corner[option] !== undefined)) {
        // One value for each corner: the visitor's choice, or else the server's.
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

  /** Decode the point; files that the server no longer keeps are sent again, once. */
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
