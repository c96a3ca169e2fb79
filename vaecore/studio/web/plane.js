// The plane between the corners: its colours, its cells, and the point on it.

import { dark } from "vaecore/page/dom.js";
import { colour, mixed } from "vaecore/page/colour.js";
import { Field, mixture, weights } from "vaecore/page/field.js";
import { post } from "./server.js";

/** Colours of the corners, in OKLab. */
export const TINTS = [[-0.09, -0.06], [0.11, 0.07], [0.02, -0.13], [-0.04, 0.11]];
const CELLS = 5;
/** Requests for cells that run at the same time. */
const REQUESTS = 3;

export class Plane {
  /**
   * @param {HTMLElement} element
   * @param {import("./session.js").Session} session
   * @param {Object} options
   * @param {(done: boolean) => void} options.onmove the point moved; `done` where no drag goes on
   * @param {() => void} options.onrest the pointer was released
   */
  constructor(element, session, { onmove, onrest }) {
    this.element = element;
    this.session = session;
    this.cells = [];
    this.asking = 0;
    this.field = new Field(element, {
      x: session.state.at[0],
      y: session.state.at[1],
      label: "The plane between the corners. Arrow keys move, with Shift in small steps.",
      describe: (x, y) => this.words(x, y),
      paint: (context, width, height) => this.#paint(context, width, height),
      onmove: (x, y, dragging) => {
        session.state.at = [x, y];
        onmove(!dragging);
      },
      onpress: (moved) => moved || session.view?.press?.(),
    });
    element.addEventListener("pointerup", onrest);
  }

  get #rows() {
    return this.session.full().length > 2 ? CELLS : 1;
  }

  #at(k) {
    return [(k % CELLS) / (CELLS - 1), this.#rows > 1 ? Math.floor(k / CELLS) / (this.#rows - 1) : 0];
  }

  /** The colour at a point, in OKLab. */
  tint(x, y) {
    const present = this.session.full();
    if (present.length < 2) return TINTS[present[0]?.[1] ?? 0];
    return mixed(present.map(([, k]) => TINTS[k]), weights(x, y, present.length));
  }

  /** The colour of the point: as `tint`, but never grey. */
  get vivid() {
    const [a, b] = this.tint(...this.session.state.at);
    const chroma = Math.hypot(a, b);
    if (chroma >= 0.08) return [a, b];
    const part = chroma / 0.08;
    return [a + (1 - part) * -0.06, b + (1 - part) * -0.05];
  }

  /** A point in words: the share of each corner. */
  words(x, y) {
    const present = this.session.looks();
    const names = present.map((each) => (each?.name ?? "").replace(/\.\w{2,4}$/, ""));
    return present.length < 2 ? names[0] ?? "" : mixture(names, weights(x, y, present.length));
  }

  #paint(context, width, height) {
    const [rows, night, { view }] = [this.#rows, dark(), this.session];
    const plan = view?.plan?.(this.cells.filter(Boolean));
    context.clearRect(0, 0, width, height);
    for (let k = 0; k < rows * CELLS; k++) {
      const [column, row] = [k % CELLS, Math.floor(k / CELLS)];
      const box = { x: (column * width) / CELLS, y: (row * height) / rows, width: width / CELLS, height: height / rows };
      const tint = this.tint(...this.#at(k));
      context.fillStyle = colour(tint.map((v) => v * 0.5), night ? 0.26 : 0.935);
      context.fillRect(box.x, box.y, box.width + 1, box.height + 1);
      if (this.cells[k]) view?.cell(context, this.cells[k], box, tint, plan);
    }
  }

  /** Show as many corners as there are. */
  update() {
    const count = this.session.full().length;
    this.element.hidden = count < 2;
    this.element.classList.toggle("line", count === 2);
  }

  /** Request the cells, a few at a time. */
  async fill() {
    const mine = ++this.asking;
    const { session } = this;
    this.cells = [];
    this.field.repaint();
    if (session.full().length < 2) return;
    const queue = Array.from({ length: this.#rows * CELLS }, (_, k) => k);
    const worker = async () => {
      while (queue.length && mine === this.asking) {
        const k = queue.shift();
        try {
          const found = await post("/api/play", { ...session.point(), at: this.#at(k), add: {}, temperature: 0, seed: 0 });
          if (mine !== this.asking) return;
          this.cells[k] = found.shown;
          await session.view?.ready?.(found.shown);
          this.field.repaint();
        } catch {
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: REQUESTS }, worker));
  }
}
