// A plane with a point that a visitor moves by mouse, pen, finger or keys, and with paths to draw.

import { dark, h, onTheme, sharp } from "./dom.js";

/**
 * The bilinear weight of each corner at a point of the plane.
 * @param {number} x 0 left .. 1 right
 * @param {number} y 0 top .. 1 bottom
 * @param {number} corners 2: left and right; 3: top left, top right, the whole bottom edge;
 *   4: top left, top right, bottom left, bottom right
 * @returns {number[]} which add up to 1
 */
export function weights(x, y, corners) {
  if (corners === 2) return [1 - x, x];
  const above = [(1 - x) * (1 - y), x * (1 - y)];
  return corners === 3 ? [...above, y] : [...above, (1 - x) * y, x * y];
}

/**
 * A blend in words: the percentage of each name, the largest first.
 * @param {string[]} names @param {number[]} parts which add up to 1
 */
export function mixture(names, parts) {
  const mix = parts.map((part, n) => [part, names[n]]).filter(([part]) => part >= 0.005).sort((a, b) => b[0] - a[0]);
  return mix.map(([part, name]) => (mix.length > 1 ? `${Math.round(100 * part)} % ${name}` : name)).join(", ");
}

const clamp = (value) => Math.min(1, Math.max(0, value));
const KEYS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * @typedef {Object} FieldOptions
 * @property {number} [columns] with `rows`: the point is always in the middle of a cell
 * @property {number} [rows]
 * @property {number} [x] the first place of the point
 * @property {number} [y]
 * @property {string} label describes the plane to screen readers
 * @property {(x: number, y: number) => string} [describe] describes a point in words
 * @property {(context: CanvasRenderingContext2D, width: number, height: number) => void} [paint]
 *   draws the plane; called when its size or the page's colours change
 * @property {(x: number, y: number, dragging: boolean) => void} [onmove]
 * @property {(moved: boolean) => void} [onpress] the plane was pressed, and whether this moved the
 *   point; without `ontoggle` also Enter or the space bar
 * @property {() => void} [ontap] the plane was pressed and released where the point was
 * @property {() => void} [ontoggle] Enter or the space bar
 * @property {(path: number[][], finished: boolean) => void} [onpath] the path changed; `finished`
 *   when the pointer that draws it was released, never for keys
 */

export class Field {
  /** @param {HTMLElement} element @param {FieldOptions} options */
  constructor(element, options) {
    this.options = options;
    this.element = element;
    this.drawing = false;
    /** @type {number[][]} */
    this.path = [];
    this.playing = null;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.overlay = h("canvas", { "aria-hidden": "true", class: "overlay" });
    this.knob = h("span", { class: options.columns ? "knob" : "knob free", "aria-hidden": "true" });
    this.voice = h("span", { class: "unseen", "aria-live": "polite" });
    element.classList.add("field");
    element.append(this.canvas, this.overlay, this.knob, this.voice);
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-roledescription", "field");
    element.setAttribute("aria-label", options.label);
    element.addEventListener("pointerdown", (event) => this.#press(event));
    element.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, (event) => this.#release(event));
    }
    element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.repaint()).observe(element);
    onTheme(() => this.repaint());
    const [x, y] = this.#snapped(options.x ?? 0, options.y ?? 0);
    this.point = [x, y];
    this.#place();
  }

  /** Move the point as a visitor does, and call `onmove` if it moved. */
  move(x, y, dragging = false) {
    const [toX, toY] = this.#snapped(x, y);
    const moved = toX !== this.point[0] || toY !== this.point[1];
    this.point = [toX, toY];
    this.#place();
    if (moved) {
      this.options.onmove?.(toX, toY, dragging);
      if (!dragging) this.announce();
    }
    return moved;
  }

  /** Announce the point to screen readers. */
  announce() {
    this.voice.textContent = this.options.describe?.(...this.point) ?? "";
  }

  /** The column and the row of a point. */
  cell([x, y] = this.point) {
    const { columns = 1, rows = 1 } = this.options;
    const at = (value, count) => Math.min(count - 1, Math.floor(clamp(value) * count));
    return [at(x, columns), at(y, rows)];
  }

  /** The middle of a cell. */
  middle(column, row) {
    const { columns = 1, rows = 1 } = this.options;
    return [(column + 0.5) / columns, (row + 0.5) / rows];
  }

  /** Mark a point on the path; null removes the mark. @param {number[]|null} point */
  mark(point) {
    this.playing = point;
    this.#trace();
  }

  /** Remove the path. */
  clearPath() {
    this.path = [];
    this.playing = null;
    this.#trace();
    this.options.onpath?.(this.path, false);
  }

  /** Set a path as if it were drawn. @param {number[][]} points */
  setPath(points) {
    this.path = [];
    for (const [x, y] of points) this.#add(x, y);
    this.#trace();
    this.options.onpath?.(this.path, false);
  }

  /** Draw everything again. */
  repaint() {
    const [context, width, height] = sharp(this.canvas);
    this.options.paint?.(context, width, height);
    this.#trace();
  }

  #snapped(x, y) {
    if (this.options.columns) return this.middle(...this.cell([x, y]));
    return [clamp(x), clamp(y)];
  }

  #place() {
    this.knob.style.left = `${100 * this.point[0]}%`;
    this.knob.style.top = `${100 * this.point[1]}%`;
    const { columns, rows } = this.options;
    this.knob.style.width = columns ? `${100 / columns}%` : "";
    this.knob.style.height = rows ? `${100 / rows}%` : "";
  }

  #at(event) {
    const box = this.element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #press(event) {
    if (event.button) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    const [x, y] = this.#at(event);
    if (this.drawing) {
      this.path = [];
      this.playing = null;
      this.#add(x, y);
      this.#trace();
      return;
    }
    const moved = this.move(x, y, true);
    this.still = !moved;
    this.options.onpress?.(moved);
  }

  #drag(event) {
    if (event.pointerId !== this.pointer) return;
    // All positions since the last event, so that a fast stroke does not jump over cells.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const [x, y] = this.#at(each);
      if (this.drawing) this.#add(x, y);
      else if (this.move(x, y, true)) this.still = false;
    }
    if (this.drawing) this.#trace();
  }

  #release(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    if (this.drawing) this.options.onpath?.(this.path, true);
    else this.announce();
    if (!this.drawing && this.still && event.type === "pointerup") this.options.ontap?.();
  }

  #add(x, y) {
    const [atX, atY] = this.#snapped(x, y);
    const last = this.path.at(-1);
    if (!last) {
      this.path.push([atX, atY]);
      return;
    }
    if (this.options.columns) {
      // Through all cells between, one after another.
      const [fromColumn, fromRow] = this.cell(last);
      const [column, row] = this.cell([atX, atY]);
      const steps = Math.max(Math.abs(column - fromColumn), Math.abs(row - fromRow));
      for (let k = 1; k <= steps; k++) {
        const part = k / steps;
        const way = (from, to) => Math.round(from + (to - from) * part);
        this.path.push(this.middle(way(fromColumn, column), way(fromRow, row)));
      }
    } else if (Math.hypot(atX - last[0], atY - last[1]) > 0.02) {
      this.path.push([atX, atY]);
    }
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const [x, y] = this.point;
    const { columns, rows } = this.options;
    const ends = { Home: [0, y], End: [1, y], PageUp: [x, 0], PageDown: [x, 1] };
    if (KEYS[event.key]) {
      const [right, down] = KEYS[event.key];
      const fine = columns ? 1 : event.shiftKey ? 0.01 : 0.05;
      const to = [x + right * (columns ? 1 / columns : fine), y + down * (rows ? 1 / rows : fine)];
      if (this.drawing && !this.path.length) this.#add(x, y);
      this.move(...to);
      if (this.drawing) {
        this.#add(...this.point);
        this.#trace();
        this.options.onpath?.(this.path, false);
      }
    } else if (ends[event.key]) {
      this.move(...ends[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      if (this.options.ontoggle) this.options.ontoggle();
      else this.options.onpress?.(false);
    } else {
      return;
    }
    event.preventDefault();
  }

  #trace() {
    const [context, width, height] = sharp(this.overlay);
    const points = this.path.map(([x, y]) => [x * width, y * height]);
    if (!points.length) return;
    const line = (style, thick) => {
      context.strokeStyle = style;
      context.lineWidth = thick;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...points[0]);
      for (const [index, [px, py]] of points.entries()) {
        // Through the middles between points, so that corners become round.
        const [nx, ny] = points[index + 1] ?? [px, py];
        context.quadraticCurveTo(px, py, (px + nx) / 2, (py + ny) / 2);
      }
      context.lineTo(...points.at(-1));
      context.stroke();
    };
    const night = dark();
    line(night ? "rgb(0 0 0 / .55)" : "rgb(255 255 255 / .75)", 7);
    line(night ? "#fff" : "#1b1f24", 2.5);
    const dot = ([px, py], radius) => {
      context.beginPath();
      context.arc(px, py, radius, 0, 7);
      context.fillStyle = night ? "#fff" : "#1b1f24";
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = night ? "#14171c" : "#fff";
      context.stroke();
    };
    dot(points[0], 4);
    if (this.playing) dot([this.playing[0] * width, this.playing[1] * height], 9);
  }
}
