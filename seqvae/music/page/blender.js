// The page of a model: decodes any point between four corners in the browser.

import { colour, mixed } from "vaecore/page/colour.js";
import { dark, data, download, h, icon, onTheme } from "vaecore/page/dom.js";
import { Field, mixture, weights } from "vaecore/page/field.js";
import { bilinear, edited } from "vaecore/page/model/plane.js";
import { attributeSliders, DICE, slider } from "vaecore/page/slider.js";
import { writeMidi } from "./midi.js";
import { engineOf } from "./model/engine.js";
import { musicOf } from "./model/play.js";
import { Player } from "./player.js";
import { drawNotes, groupsOf, layout, notesOf, Roll } from "./roll.js";
import { Slots } from "./slots.js";
import { Sound } from "./sound.js";
import { Transport } from "./transport.js";

const PREVIEWS = 5; // rows and columns of small rolls
const TINTS = [[0.1, 0.055], [-0.045, -0.11], [-0.085, 0.07], [0.09, -0.075]];

const page = data();
const { form, bar, beat } = page;
const { voices } = form;
const one = (id) => document.getElementById(id);
const say = (text) => { one("status").textContent = text; };
if (page.worker) say("The model is being loaded.");
const engine = engineOf(page, (problem) => say(`The model cannot be used: ${problem}`));
const vectors = page.attributes.map(({ vector }) => Float32Array.from(vector));
const amounts = vectors.map(() => 0);
let temperature = 0;
let seed = 1;

// Corners

const kind = form.performed ? Float32Array : Int32Array;

/** A corner with its code. */
async function cornerOf(source) {
  const { code, window } = source;
  if (!code) engine.drop(); // encoding comes before decoding
  return { ...source, code: code ? Float32Array.from(code) : await engine.encode(kind.from(window)) };
}

const corners = await Promise.all(page.corners.map(cornerOf));

// Decoding

const times = [];

/** The code of a point, with the attributes of the sliders. */
function codeAt(x, y) {
  return edited(bilinear(corners.map(({ code }) => code), x, y), vectors, amounts);
}

/** The music of a window between the corners. */
function between(window, x, y) {
  const parts = weights(x, y, corners.length);
  return musicOf(window, form, corners.map((corner, n) => ({ ...corner, weight: parts[n] })));
}

/** The music of a point; null if decoding was cancelled. */
async function musicAt(x, y) {
  const begin = performance.now();
  const window = await engine.decode(codeAt(x, y), temperature, seed);
  if (!window) return null;
  times.push(performance.now() - begin);
  if (times.length > 1000) times.shift();
  return between(window, x, y);
}

// The music that is shown and played

let current = await musicAt(0.5, 0.5);
let previews = new Map();
let plan = layout([current], voices);
const player = new Player({ voices, bar, beat, sound: (context) => new Sound(context, voices) });
const tintAt = (x, y) => mixed(TINTS, weights(x, y, corners.length));

const words = (x, y) => mixture(corners.map(({ name }) => name), weights(x, y, corners.length));

const field = new Field(one("field"), {
  x: 0.5,
  y: 0.5,
  label: `Blends of ${corners.map(({ name }) => name).join(", ")}. Arrow keys move, space plays and stops.`,
  describe: words,
  paint,
  onmove: () => change(),
  onpress(moved) {
    if (moved === false || !player.playing) transport.toggle();
  },
});

function paint(context, width, height) {
  const night = dark();
  const [w, t] = [width / PREVIEWS, height / PREVIEWS];
  const cells = 24;
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const tint = tintAt((column + 0.5) / cells, (row + 0.5) / cells).map((v) => v * 0.75);
      context.fillStyle = colour(tint, night ? 0.26 : 0.925);
      context.fillRect((column * width) / cells, (row * height) / cells, width / cells + 1, height / cells + 1);
    }
  }
  for (const [k, music] of previews) {
    const [column, row] = [k % PREVIEWS, Math.floor(k / PREVIEWS)];
    const box = { x: column * w + w * 0.1, y: row * t + t * 0.12, width: w * 0.8, height: t * 0.76 };
    const tint = tintAt(column / (PREVIEWS - 1), row / (PREVIEWS - 1));
    drawNotes(context, music, plan, box, { tint, voices, muted: player.muted, lightness: night ? 0.74 : 0.56 });
  }
}

const roll = new Roll(one("roll"), { voices, plan, bar, beat });
roll.muted = player.muted;

/** Lay out the rows of all rolls for all notes. */
function arrange() {
  plan = layout([current, ...previews.values()], voices);
  roll.plan = plan;
}

function fits(music) {
  const rows = new Map(plan.bands.map((band) => [band.voice, band.at]));
  for (const { voice, pitch } of notesOf(music)) if (!rows.get(voice)?.has(pitch)) return false;
  return true;
}

const meters = corners.map(() => {
  const meter = h("i");
  const value = h("b");
  const name = h("span");
  one("mix").append(h("div", {}, name, meter, value));
  return { name, meter, value };
});

function show() {
  const [x, y] = field.point;
  if (!fits(current)) arrange();
  const tint = tintAt(x, y);
  roll.show(current, tint);
  transport.name.textContent = words(x, y);
  weights(x, y, corners.length).forEach((part, n) => {
    meters[n].meter.style.setProperty("--share", `${100 * part}%`);
    meters[n].value.textContent = `${Math.round(100 * part)} %`;
  });
  document.documentElement.style.setProperty("--accent", colour(tint.map((v) => v * 0.9), dark() ? 0.8 : 0.43));
}

const rest = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** Milliseconds after which the page shows that the point is still being decoded. */
const LATE = 150;
/** Decode the point, at most once for each frame; the newest point counts. */
let waiting = 0;
let moved = false;
let decoding = false;
function change() {
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    moved = true;
    // Cancel small rolls, and, if decoding takes long, points that the pointer has left.
    if (!decoding || times.at(-1) > LATE) engine.drop();
    if (!decoding) follow();
  });
}

async function follow() {
  decoding = true;
  while (moved) {
    moved = false;
    const late = setTimeout(() => {
      busy(true);
      show();
    }, LATE);
    const music = await musicAt(...field.point);
    clearTimeout(late);
    if (!music) continue;
    current = music;
    if (player.playing) player.next(current);
    show();
    transport.update();
  }
  decoding = false;
  busy(false);
}

/** Show whether the point is still being decoded. */
function busy(is) {
  for (const element of [field.element, roll.canvas]) element.classList.toggle("busy", is);
}

/** Milliseconds without a change after which small rolls are decoded. */
const RESTS = 200;
/** Decode the small rolls one by one, while nothing else is decoded. */
let round = 0;
async function preview() {
  const own = ++round;
  const places = Array.from({ length: PREVIEWS ** 2 }, (_, k) => k);
  const middle = (k) => Math.hypot((k % PREVIEWS) - 2, Math.floor(k / PREVIEWS) - 2);
  places.sort((a, b) => middle(a) - middle(b));
  // Not while a slider is moving: the point comes first.
  await rest(RESTS);
  while (places.length && own === round) {
    const k = places[0];
    const music = decoding ? null : await musicAt((k % PREVIEWS) / (PREVIEWS - 1), Math.floor(k / PREVIEWS) / (PREVIEWS - 1));
    if (own !== round) return;
    if (music) {
      places.shift();
      previews.set(k, music);
      arrange();
      field.repaint();
    }
    await rest(music ? 0 : RESTS);
  }
}

/** Decode everything again, after a change of corners, sliders or temperature. */
function renew() {
  change();
  preview();
}

const fileOf = (music) => writeMidi([{ music, from: 0, to: music.length }], { ...player.settings, instruments: page.instruments });

const transport = new Transport(one("transport"), player, {
  current: () => current,
  groups: groupsOf(page.corners.map(({ window }, n) => between(kind.from(window), n % 2, n >> 1)), voices),
  ondownload: () => download(`${page.model}_${field.point.map((v) => Math.round(100 * v)).join("-")}.mid`, fileOf(current), "audio/midi"),
  onmute: () => {
    roll.draw();
    field.repaint();
  },
  onframe: (position) => roll.playhead(position?.begun ? position.tick : null),
  say,
});

// The corners

say("");
const cornerTint = (n) => colour(TINTS[n], dark() ? 0.75 : 0.55);
const slots = new Slots(corners, {
  page, field: field.element, cornerOf, say, tint: cornerTint,
  onplace() {
    nameMeters();
    renew();
  },
});

function nameMeters() {
  meters.forEach(({ name, meter }, n) => {
    name.textContent = name.title = corners[n].name;
    meter.style.setProperty("--tint", cornerTint(n));
  });
}
nameMeters();

// Attributes, temperature, a new draw

const again = h("button", { type: "button", class: "button", disabled: true, onclick: () => {
  seed += 1;
  renew();
} }, icon(DICE), "New draw");
const heat = slider("Temperature", { min: 0, max: 1.5, step: 0.05, value: 0 },
  (value) => (value ? value.toFixed(2) : "likeliest"), (value) => {
    temperature = value;
    again.disabled = !value;
    renew();
  });
const { knobs, plain } = attributeSliders(page.attributes, amounts, { reach: 3, step: 0.1 }, renew);
one("draw").append(heat.element, again, plain);
one("knobs").append(...knobs);

onTheme(() => {
  slots.fill();
  nameMeters();
  show();
});
show();
preview();

document.addEventListener("keydown", (event) => {
  if (event.key === " " && (event.target === document.body || event.target === document.documentElement)) {
    event.preventDefault();
    transport.toggle();
  }
});

// For tests, and for the browser's console.
globalThis.seqvae = {
  engine, field, player, transport, corners, times, musicAt, codeAt, fileOf,
  get current() { return current; },
};
