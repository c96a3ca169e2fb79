// The page of a model of faces: decodes any point between four corners in the browser.

import { data, h, icon } from "vaecore/page/dom.js";
import { bytesOf } from "vaecore/page/model/arithmetic.js";
import { bilinear, edited, stepLength } from "vaecore/page/model/plane.js";
import { Recorded } from "vaecore/page/model/recorded.js";
import { readTensors } from "vaecore/page/model/tensors.js";
import { attributeSliders, DICE } from "vaecore/page/slider.js";
import { portrait } from "./portrait.js";

/** Rows and columns of small faces. */
const PREVIEWS = 5;
/** Milliseconds without a change after which small faces are decoded. */
const RESTS = 200;

const page = data();
const { side, latent } = page;
const one = (id) => document.getElementById(id);
const tensors = readTensors(bytesOf(page.decoder.weights));
const model = new Recorded({ ...page.decoder, latent }, tensors);
const rowsOf = (name) => {
  const { shape: [count], values } = tensors.get(name);
  return Array.from({ length: count }, (_, k) => values.slice(k * latent, (k + 1) * latent));
};
const vectors = rowsOf("vectors"), draws = rowsOf("draws");
const amounts = vectors.map(() => 0);
/** The network that gives for a code the step of each attribute; null where vectors are enough. */
const directions = page.directions && new Recorded({ ...page.directions, latent }, readTensors(bytesOf(page.directions.weights)));

// Corners. Codes between the first four were computed in Python, on a grid; between others they are
// on arcs.

const first = rowsOf("corners");
const corners = page.names.map((name, n) => ({ name, code: first[n] }));
const grid = rowsOf("grid");
const across = Math.round(Math.sqrt(grid.length));
let nextDraw = 0;

function between(x, y) {
  if (corners.some(({ code }, n) => code !== first[n])) return bilinear(corners.map(({ code }) => code), x, y);
  const at = (value) => [Math.min(Math.floor(value * (across - 1)), across - 2), value * (across - 1)];
  const [[column, right], [row, down]] = [at(x), at(y)];
  const [p, q] = [right - column, down - row];
  const [a, b, c, d] = [0, 1, across, across + 1].map((k) => grid[row * across + column + k]);
  return a.map((value, k) =>
    (1 - q) * ((1 - p) * value + p * b[k]) + q * ((1 - p) * c[k] + p * d[k]));
}

/** The code of a point, with the attributes of the sliders. */
function codeAt(x, y) {
  const code = between(x, y);
  if (!amounts.some(Boolean)) return code;
  const all = directions?.decode(code);
  const steps = page.attributes.map(({ about, direction }, k) => {
    if (direction === null) return [vectors[k], stepLength(code, vectors[k], amounts[k], about)];
    const row = 2 * direction + (amounts[k] < 0);
    return [all.subarray(row * latent, (row + 1) * latent), Math.abs(amounts[k])];
  });
  return edited(code, steps.map(([step]) => step), steps.map(([, amount]) => amount));
}

// Decoding

const times = [];
const small = new OffscreenCanvas(side, side).getContext("2d");

/** Return the pixels of a code, 0 to 255. */
function pixelsOf(code) {
  const begin = performance.now(), values = model.decode(code), pixels = small.createImageData(side, side);
  const area = side * side;
  for (let k = 0; k < area; k++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * k + c] = 255 * (values[c * area + k] * page.scale + page.centre);
    pixels.data[4 * k + 3] = 255;
  }
  times.push(performance.now() - begin);
  if (times.length > 1000) times.shift();
  return pixels;
}

function drawn(context, pixels, x, y, size) {
  small.putImageData(pixels, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small.canvas, x, y, size, size);
}

// What is shown

/** The last face, which is not decoded again unless the point or the sliders changed. */
let known = { place: "", pixels: null };
let changes = 0;

function faceAt(context, x, y, size) {
  const place = `${changes} ${x} ${y}`;
  if (place !== known.place) known = { place, pixels: pixelsOf(codeAt(x, y)) };
  drawn(context, known.pixels, 0, 0, size);
}

const previews = new Map();

function paint(context, width, height) {
  const [w, t] = [width / PREVIEWS, height / PREVIEWS];
  for (const [k, pixels] of previews) {
    const [column, row] = [k % PREVIEWS, Math.floor(k / PREVIEWS)];
    const size = Math.max(w, t) + 0.5;
    context.save();
    context.beginPath();
    context.rect(column * w, row * t, w + 0.5, t + 0.5);
    context.clip();
    drawn(context, pixels, column * w - (size - w) / 2, row * t - (size - t) / 2, size);
    context.restore();
  }
}

const { field, again, words } = portrait({
  names: () => corners.map(({ name }) => name), faceAt, paint,
});

/** Decode the small faces one by one. @param {number} wait milliseconds before the first */
let round = 0;
function preview(wait) {
  const own = ++round;
  const places = Array.from({ length: PREVIEWS ** 2 }, (_, k) => k);
  const next = () => {
    if (own !== round) return;
    const k = places.shift();
    if (k === undefined) {
      document.body.dataset.ready = "";
      return;
    }
    const at = [k % PREVIEWS, Math.floor(k / PREVIEWS)].map((each) => each / (PREVIEWS - 1));
    previews.set(k, pixelsOf(codeAt(...at)));
    field.repaint();
    setTimeout(next, 0);
  };
  setTimeout(next, wait);
}

/** Decode everything again, after a change of corners or sliders; at most once for each frame. */
let waiting = 0;
function renew() {
  changes += 1;
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    again();
    preview(RESTS);
  });
}

// The corners

const slots = corners.map((corner, n) => {
  const name = h("span", { class: "name" }, corner.name);
  const position = ["top left", "top right", "bottom left", "bottom right"][n];
  const dice = h("button", {
    type: "button", class: "button", title: "Draw a new sample of the model",
    "aria-label": `Invent the corner ${position}`,
    onclick: () => {
      nextDraw += 1;
      corners[n] = { name: `Invented ${page.invented + nextDraw}`, code: draws[(nextDraw - 1) % draws.length] };
      name.textContent = corners[n].name;
      back.disabled = false;
      renew();
    },
  }, icon(DICE));
  one(n < 2 ? "above" : "below").append(h("div", { class: "slot" }, name, dice));
  return name;
});
const back = h("button", { type: "button", class: "button", disabled: true, onclick: () => {
  corners.forEach((_, n) => {
    corners[n] = { name: page.names[n], code: first[n] };
    slots[n].textContent = page.names[n];
  });
  back.disabled = true;
  renew();
} }, "First faces");

addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault(); // or the browser leaves the page for the file
  one("status").textContent = `This page cannot open photographs. Make a page with them: facevae page ${page.model} A.jpg B.jpg`;
});

// Attributes

const { knobs, plain } = attributeSliders(page.attributes, amounts, { reach: 2, step: 0.05 }, renew);
one("draw").append(plain, back);
one("knobs").append(...knobs);
preview(0);

// For tests, and for the browser's console.
globalThis.facevae = { model, field, faceAt, words, corners, codeAt, pixelsOf, times };
