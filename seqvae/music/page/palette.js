// The palette: a grid of blends to play.

import { colour } from "vaecore/page/colour.js";
import { dark, data, download, h, icon, onTheme } from "vaecore/page/dom.js";
import { Field, mixture, weights } from "vaecore/page/field.js";
import { writeMidi } from "./midi.js";
import { Player } from "./player.js";
import { Roll, drawNotes, groupsOf, layout } from "./roll.js";
import { Sound } from "./sound.js";
import { pieces } from "./time.js";
import { ICONS, Transport, choice } from "./transport.js";

const page = data();
const { columns, rows, names, blends, voices, bar, beat } = page;
const one = (id) => document.getElementById(id);
const share = (value) => `${Math.round(100 * value)} %`;

const plan = layout(blends, voices);
const index = ([column, row]) => row * columns + column;
const player = new Player({ voices, bar, beat, sound: (context) => new Sound(context, voices) });
let chosen = index([columns >> 1, rows >> 1]);

/** The weight of each input in a blend. */
function parts(k) {
  const place = (value, count) => (count > 1 ? value / (count - 1) : 0);
  const x = place(k % columns, columns);
  const y = place(Math.floor(k / columns), rows);
  if (rows > 1) return weights(x, y, names.length);
  // A row goes from each input to the next.
  const at = x * (names.length - 1);
  return names.map((_, n) => Math.max(0, 1 - Math.abs(at - n)));
}

const words = (k) => mixture(names, parts(k));

/** A name for the file of a blend. */
function fileName(k, what = "") {
  return `${names.join("-")}_${Math.floor(k / columns) + 1}-${(k % columns) + 1}${what}.mid`.replace(/[\\/:*?"<>|\s]+/g, "_");
}

const options = () => ({ ...player.settings, instruments: page.instruments });

/** The MIDI file of a blend, with the player's tempo, swing and mutes. */
function blendFile(k) {
  return writeMidi([{ music: blends[k], from: 0, to: blends[k].length }], options());
}

/** The MIDI file of a path, with the player's tempo, swing and mutes. */
function pathFile(path, unit, titles = path.map(words)) {
  const musics = path.map((k) => blends[k]);
  return writeMidi(pieces(musics, player.ticks(unit, musics[0])), { ...options(), titles });
}

// The field

function paintCell(context, k, box, look = {}) {
  const night = dark();
  const tint = page.tints[k];
  context.fillStyle = colour(tint.map((v) => v * 0.7), look.lit ? (night ? 0.4 : 0.83) : night ? 0.27 : 0.925);
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, Math.min(7, box.width / 6));
  context.fill();
  const inner = Math.min(6, box.width * 0.08, box.height * 0.12);
  drawNotes(context, blends[k], plan,
    { x: box.x + inner, y: box.y + inner, width: box.width - 2 * inner, height: box.height - 2 * inner },
    { tint, voices, muted: player.muted, lightness: night ? 0.82 : 0.5, now: look.now });
}

function boxOf(k, width, height) {
  const gap = Math.max(1.5, Math.min(4, width / columns / 16));
  const [w, t] = [width / columns, height / rows];
  return { x: (k % columns) * w + gap / 2, y: Math.floor(k / columns) * t + gap / 2, width: w - gap, height: t - gap };
}

let began = false;
const field = new Field(one("field"), {
  columns,
  rows,
  x: ((chosen % columns) + 0.5) / columns,
  y: (Math.floor(chosen / columns) + 0.5) / rows,
  label: `Blends of ${names.join(", ")}. Arrow keys move, space plays and stops.`,
  describe: (x, y) => words(index(field.cell([x, y]))),
  paint(context, width, height) {
    context.clearRect(0, 0, width, height);
    for (let k = 0; k < blends.length; k++) paintCell(context, k, boxOf(k, width, height));
    lit = null;
  },
  onmove: (x, y) => choose(index(field.cell([x, y]))),
  // A press plays at once; a tap on the blend that plays stops.
  onpress() {
    began = !player.playing;
    if (began) transport.toggle();
  },
  ontap: () => began || transport.toggle(),
  ontoggle: () => transport.toggle(),
  onpath(path, finished) {
    showPath();
    if (path.length > 1 && finished) playPath();
  },
});

let lit = null;
/** Light up the cell that sounds, with its notes that sound. */
function light(position) {
  const context = field.canvas.getContext("2d");
  const { width, height } = field.element.getBoundingClientRect();
  const now = position?.begun ? blends.indexOf(position.music) : null;
  if (lit !== null && lit !== now) paintCell(context, lit, boxOf(lit, width, height));
  if (now !== null && now >= 0) paintCell(context, now, boxOf(now, width, height), { lit: true, now: position.tick });
  lit = now;
}

// The blend that is chosen

const roll = new Roll(one("roll"), { voices, plan, bar, beat });
roll.muted = player.muted;

const bars = names.map((name) => {
  const meter = h("i");
  const value = h("b");
  one("mix").append(h("div", {}, h("span", { title: name }, name), meter, value));
  return { meter, value };
});

function show(k) {
  roll.show(blends[k], page.tints[k]);
  transport.name.textContent = words(k);
  parts(k).forEach((part, n) => {
    bars[n].meter.style.setProperty("--share", `${100 * part}%`);
    bars[n].value.textContent = share(part);
  });
  paintAccent(k);
}

function paintAccent(k) {
  const { style } = document.documentElement;
  style.setProperty("--accent", colour(page.tints[k].map((v) => v * 0.9), dark() ? 0.8 : 0.43));
}

function choose(k) {
  chosen = k;
  if (player.playing) player.next(blends[k]);
  if (!player.playing || !player.sequence) show(k);
  transport.update();
}

const transport = new Transport(one("transport"), player, {
  current: () => blends[chosen],
  groups: groupsOf(blends, voices),
  ondownload: () => download(fileName(chosen), blendFile(chosen), "audio/midi"),
  onmute: () => {
    roll.draw();
    field.repaint();
  },
  onframe(position) {
    light(position);
    roll.playhead(position?.begun ? position.tick : null);
    const path = pathCells();
    if (position && position.index !== null && path.length) {
      field.mark(field.path[position.index] ?? null);
      if (shown !== path[position.index]) show((shown = path[position.index]));
    } else {
      if (field.playing) field.mark(null);
      if (shown !== null) show(chosen);
      shown = null;
    }
  },
  say: (text) => (one("status").textContent = text),
});
let shown = null;

// Paths

const pathCells = () => field.path.map((point) => index(field.cell(point)));
let unit = "bar";
const draw = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => setDrawing(!field.drawing) },
  icon(ICONS.draw), "Draw a path");
const play = h("button", { type: "button", class: "button", disabled: true, onclick: () => playPath() }, icon(ICONS.play), "Play it");
const save = h("button", { type: "button", class: "button", disabled: true,
  onclick: () => download(fileName(pathCells()[0], "_path"), pathFile(pathCells(), unit), "audio/midi") }, icon(ICONS.save), "MIDI file");
const clear = h("button", { type: "button", class: "button", disabled: true, "aria-label": "Clear the path", onclick: () => {
  field.clearPath();
  if (player.sequence) player.next(blends[chosen]);
  draw.focus();
} }, icon(ICONS.clear));
const each = choice("Each blend for", [["beat", "a beat"], ["bar", "a bar"], ["loop", "the whole loop"]], unit, (value) => {
  unit = value;
  if (player.sequence) playPath();
});
one("paths").append(draw, each.element, play, save, clear);

function setDrawing(on) {
  field.drawing = on;
  draw.setAttribute("aria-pressed", String(on));
  field.element.classList.toggle("drawing", on);
  one("status").textContent = on ? "Draw on the field, or walk with the arrow keys." : "";
  if (on) field.element.focus({ preventScroll: true });
}

function showPath() {
  const there = field.path.length > 1;
  for (const button of [play, save, clear]) button.disabled = !there;
}

function playPath() {
  player.playPath(pathCells().map((k) => blends[k]), unit);
  transport.started();
}

// Names and colours of the inputs

function paintCorners() {
  const spans = document.querySelectorAll(".corners span");
  page.corners.forEach((k, n) => {
    const tint = colour(page.tints[k], dark() ? 0.75 : 0.55);
    spans[n].style.setProperty("--tint", tint);
    bars[n].meter.style.setProperty("--tint", tint);
  });
  paintAccent(shown ?? chosen);
}
onTheme(paintCorners);
paintCorners();
show(chosen);

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key === " " && (target === document.body || target === document.documentElement)) {
    event.preventDefault();
    transport.toggle();
  }
  if (event.key === "Escape" && field.drawing) setDrawing(false);
});

// For tests, and for the browser's console.
const render = (path, each, seconds, set) =>
  Player.render({ voices, bar, beat, sound: (context) => new Sound(context, voices) },
    path.map((k) => blends[k]), each, seconds, set);
globalThis.seqvae = { player, field, transport, blends, blendFile, pathFile, choose, render };
