// A plane of faces: the face follows the point.

import { data, download, h, onTheme, sharp } from "vaecore/page/dom.js";
import { Field, weights } from "vaecore/page/field.js";

const page = data();
const { columns, rows, side, names } = page;
const one = (id) => document.getElementById(id);
/** Faces in a row of the plane, at most. */
const SHOWN = 7;
/** Seconds in which the face has nearly caught up with the point. */
const CATCH_UP = 0.09;
/** Seconds from one end of the plane to the other, on a path. */
const CROSSING = 3;

const sheet = new Image();
sheet.src = page.sheet;
await sheet.decode();

const small = () => {
  const canvas = h("canvas", { width: side, height: side });
  return canvas.getContext("2d");
};
const [upper, lower] = [small(), small()];

/**
 * Draw the face at a point: between the four that are nearest, which are nearly alike.
 * @param {CanvasRenderingContext2D} context
 */
function faceAt(context, x, y, size) {
  const across = x * (columns - 1);
  const down = y * (rows - 1);
  const column = Math.min(Math.floor(across), Math.max(columns - 2, 0));
  const row = Math.min(Math.floor(down), Math.max(rows - 2, 0));
  const line = (into, r) => {
    for (const [c, part] of [[column, 1], [Math.min(column + 1, columns - 1), across - column]]) {
      into.globalAlpha = part;
      into.drawImage(sheet, c * side, r * side, side, side, 0, 0, side, side);
    }
  };
  line(upper, row);
  line(lower, Math.min(row + 1, rows - 1));
  upper.globalAlpha = down - row;
  upper.drawImage(lower.canvas, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(upper.canvas, 0, 0, size, size);
}

function words(x, y) {
  const parts = rows > 1 ? weights(x, y, names.length) : weights(x, y, 2);
  const mix = parts.map((part, n) => [Math.round(100 * part), names[n]]).filter(([part]) => part);
  mix.sort((a, b) => b[0] - a[0]);
  return mix.map(([part, name]) => (mix.length > 1 ? `${part} % ${name}` : name)).join(", ");
}

// The face goes after the point.
const still = matchMedia("(prefers-reduced-motion: reduce)");
let shown = null;
let frame = 0;
let before = 0;

function draw([x, y]) {
  shown = [x, y];
  const [context, width] = sharp(one("face"));
  faceAt(context, x, y, width);
}

function follow(now) {
  const seconds = Math.min(0.05, (now - before) / 1000);
  before = now;
  if (walk) step(seconds);
  const target = field.point;
  const part = still.matches ? 1 : 1 - Math.exp((-3 * seconds) / CATCH_UP);
  const next = shown.map((value, k) => value + (target[k] - value) * part);
  const there = Math.hypot(next[0] - target[0], next[1] - target[1]) < 0.0005;
  draw(there ? target : next);
  frame = there && !walk ? 0 : requestAnimationFrame(follow);
}

function go() {
  one("words").textContent = words(...field.point);
  one("face").setAttribute("aria-label", `The face: ${words(...field.point)}`);
  if (frame) return;
  before = performance.now();
  frame = requestAnimationFrame(follow);
}

const field = new Field(one("field"), {
  x: 0.5,
  y: rows > 1 ? 0.5 : 0,
  label: `Faces between ${names.join(", ")}. Arrow keys move.`,
  describe: words,
  paint(context, width, height) {
    // As many faces as fit, a third of a face at least.
    const across = Math.min(SHOWN, columns);
    const size = width / across;
    const down = rows > 1 ? Math.max(1, Math.round(height / size)) : 1;
    const tall = height / down;
    const crop = Math.min(1, tall / size);
    context.imageSmoothingQuality = "high";
    for (let r = 0; r < down; r++) {
      for (let c = 0; c < across; c++) {
        const column = Math.round(((columns - 1) * c) / Math.max(across - 1, 1));
        const row = Math.round(((rows - 1) * r) / Math.max(down - 1, 1));
        const cut = (side * (1 - crop)) / 2;
        context.drawImage(sheet, column * side, row * side + cut, side, side * crop,
          c * size, r * tall, size + 0.5, Math.max(tall, size * crop) + 0.5);
      }
    }
  },
  onmove: () => {
    if (!stepping) stop();
    go();
  },
  onpath(path, finished) {
    play.disabled = clear.disabled = path.length < 2;
    if (finished && path.length > 1) start();
  },
});

// A path, walked there and back

let walk = null;
let stepping = false;

function step(seconds) {
  walk.at += (seconds / CROSSING) * walk.direction;
  if (walk.at >= walk.length || walk.at <= 0) {
    walk.direction *= -1;
    walk.at = Math.min(Math.max(walk.at, 0), walk.length);
  }
  let rest = walk.at;
  for (let k = 1; k < field.path.length; k++) {
    const [a, b] = [field.path[k - 1], field.path[k]];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (rest <= length || k === field.path.length - 1) {
      const part = Math.min(1, rest / (length || 1));
      stepping = true;
      field.move(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, true);
      stepping = false;
      return;
    }
    rest -= length;
  }
}

function start() {
  const length = field.path.slice(1).reduce((sum, point, k) =>
    sum + Math.hypot(point[0] - field.path[k][0], point[1] - field.path[k][1]), 0);
  walk = { at: 0, direction: 1, length };
  play.textContent = "Stop";
  setDrawing(false);
  go();
}

function stop() {
  walk = null;
  play.textContent = "Play the path";
}

function setDrawing(on) {
  if (on) stop();
  field.drawing = on;
  paths.setAttribute("aria-pressed", String(on));
  field.element.classList.toggle("drawing", on);
  one("status").textContent = on ? "Draw on the field, or walk with the arrow keys." : "";
}

const button = (text, onclick, more = {}) => h("button", { type: "button", class: "button", onclick, ...more }, text);
const paths = button("Draw a path", () => {
  setDrawing(!field.drawing);
  field.element.focus({ preventScroll: true });
}, { "aria-pressed": "false" });
const play = button("Play the path", () => (walk ? stop() : start()), { disabled: true });
const clear = button("Clear", () => {
  stop();
  field.clearPath();
  paths.focus();
}, { disabled: true });
const save = button("Save picture", () => {
  const picture = h("canvas", { width: 512, height: 512 });
  faceAt(picture.getContext("2d"), ...field.point, 512);
  picture.toBlob((blob) => download(`${names.join("-")}.png`.replace(/[\\/:*?"<>|\s]+/g, "_"), blob));
});
one("controls").append(paths, play, clear, save);

new ResizeObserver(() => draw(shown ?? field.point)).observe(one("face"));
onTheme(() => field.repaint());
draw(field.point);
go();
document.body.dataset.ready = "";

// For tests, and for those who look inside.
globalThis.facevae = { field, faceAt, words };
