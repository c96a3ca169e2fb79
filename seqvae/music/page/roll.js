// Piano rolls on a canvas: small ones in the cells of a field, and a large one with a playhead.

import { colour } from "vaecore/page/colour.js";
import { dark, onTheme, sharp } from "vaecore/page/dom.js";
import { DRUM_FAMILIES, drumFamily, drumName, drumOrder } from "./drums.js";

/**
 * @typedef {Object} Music a loop, as Python's `music` returns it
 * @property {number} length in ticks, 480 to a quarter note
 * @property {number[]} notes voice, start, duration (in ticks), pitch and velocity of each note
 * @property {number[][]} tempos tick, and the tempo from there on in quarter notes a minute; the
 *   first is at 0
 * @property {number[]} programs MIDI program of each voice
 * @property {number[]} meter numerator and denominator of the time signature
 *
 * @typedef {{name: string, title: string, drum: boolean}} Voice
 */

const PITCHES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

/** The name of a pitch: 60 is C4. @param {number} pitch */
export function pitchName(pitch) {
  return `${PITCHES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}

/**
 * The mute group of a note: its voice, or the family of its drum.
 * @param {Voice} voice
 * @param {number} pitch
 */
export function groupOf(voice, pitch) {
  return voice.drum ? drumFamily(pitch) : voice.name;
}

/** The mute groups of some musics, in the order of the voices. */
export function groupsOf(musics, voices) {
  const found = new Set();
  for (const music of musics) {
    for (const note of notesOf(music)) found.add(groupOf(voices[note.voice], note.pitch));
  }
  const all = voices.flatMap((voice) => (voice.drum ? DRUM_FAMILIES : [voice.name]));
  return all.filter((name) => found.has(name));
}

/** Yield the notes of a music. @param {Music} music */
export function* notesOf(music) {
  const { notes } = music;
  for (let k = 0; k < notes.length; k += 5) {
    yield {
      voice: notes[k],
      start: notes[k + 1],
      duration: notes[k + 2],
      pitch: notes[k + 3],
      velocity: notes[k + 4],
    };
  }
}

/**
 * Common rows for the rolls of some musics: one band for each voice with notes.
 * @param {Iterable<Music>} musics
 * @param {Voice[]} voices
 */
export function layout(musics, voices) {
  const found = voices.map(() => new Set());
  for (const music of musics) for (const note of notesOf(music)) found[note.voice]?.add(note.pitch);
  const bands = [];
  let total = 0;
  voices.forEach((voice, index) => {
    const pitches = [...found[index]];
    if (!pitches.length && voices.length > 1) return;
    let rows;
    if (voice.drum) {
      rows = (pitches.length ? pitches : [36, 38, 42]).sort((a, b) => drumOrder(a) - drumOrder(b));
    } else {
      // At least an octave, so that small steps look small.
      let low = pitches.length ? Math.min(...pitches) - 1 : 60;
      let high = pitches.length ? Math.max(...pitches) + 1 : 72;
      const missing = Math.max(0, 12 - (high - low));
      low -= Math.floor(missing / 2);
      high += Math.ceil(missing / 2);
      rows = Array.from({ length: high - low + 1 }, (_, k) => low + k);
    }
    const size = rows.length * (voice.drum ? 1.7 : 1) + (bands.length ? 1.5 : 0);
    bands.push({
      voice: index,
      drum: voice.drum,
      title: voice.title,
      rows,
      at: new Map(rows.map((pitch, row) => [pitch, row])),
      top: total + (bands.length ? 1.5 : 0),
      size,
    });
    total += size;
  });
  return { bands, total };
}

/** @typedef {ReturnType<typeof layout>} Layout */

/** The edges of a band, and the height of its rows, in a roll of some height. */
function span(band, plan, height) {
  const unit = height / plan.total;
  const bottom = (band.top + band.rows.length * (band.drum ? 1.7 : 1)) * unit;
  return { top: band.top * unit, bottom, row: (bottom - band.top * unit) / band.rows.length };
}

/**
 * Draw the notes of a music.
 * @param {CanvasRenderingContext2D} context
 * @param {Music} music
 * @param {Layout} plan from `layout`
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {{tint: number[], voices: Voice[], lightness?: number, muted?: Set<string>, gap?: number,
 *   now?: number|null}} look
 */
export function drawNotes(context, music, plan, box, look) {
  const night = dark();
  const base = look.lightness ?? (night ? 0.8 : 0.47);
  const bands = new Map(plan.bands.map((band) => [band.voice, band]));
  const gap = look.gap ?? 0;
  for (const note of notesOf(music)) {
    const band = bands.get(note.voice);
    if (!band) continue;
    const silent = look.muted?.has(groupOf(look.voices[note.voice], note.pitch));
    const { bottom, row } = span(band, plan, box.height);
    const at = band.at.get(note.pitch);
    if (at === undefined) continue;
    const x = box.x + (note.start / music.length) * box.width;
    const length = band.drum ? 96 : Math.min(note.duration, music.length - note.start);
    const width = Math.max((length / music.length) * box.width - gap, 1.2);
    const height = Math.max(row - Math.min(gap, row / 4), 1.2);
    const sounds =
      !silent && look.now !== undefined && look.now !== null && look.now >= note.start &&
      look.now < note.start + (band.drum ? 120 : note.duration);
    // Loud notes stand out more.
    const strength = 0.42 + 0.58 * Math.min(1, note.velocity / 112);
    context.fillStyle = sounds
      ? colour(look.tint, night ? 0.97 : 0.2)
      : colour(silent ? [0, 0] : look.tint, base, silent ? 0.25 : strength);
    context.beginPath();
    context.roundRect(x, box.y + bottom - (at + 1) * row, width, height, Math.min(3, height / 3, width / 2));
    context.fill();
  }
}

/** The large roll of one music. */
export class Roll {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{voices: Voice[], plan: Layout, bar: number, beat: number}} options
   */
  constructor(canvas, { voices, plan, bar, beat }) {
    Object.assign(this, { canvas, voices, plan, bar, beat });
    this.tint = [0, 0];
    this.muted = new Set();
    this.now = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    onTheme(() => this.draw());
  }

  /** @param {Music} music @param {number[]} tint @param {Layout} [plan] */
  show(music, tint, plan = this.plan) {
    Object.assign(this, { music, tint, plan });
    this.draw();
  }

  /** Show the playhead at a tick; null hides it. @param {number|null} tick */
  playhead(tick) {
    if (tick === this.now) return;
    this.now = tick;
    this.draw();
  }

  draw() {
    const [context, width, height] = sharp(this.canvas);
    if (!this.music || width < 2) return;
    const night = dark();
    const left = width < 420 ? 40 : 62;
    const box = { x: left, y: 4, width: width - left - 4, height: height - 22 };
    const bars = this.music.length / this.bar;
    context.clearRect(0, 0, width, height);
    context.textBaseline = "middle";
    context.font = `${width < 420 ? 10 : 11}px system-ui, sans-serif`;
    const ink = getComputedStyle(this.canvas).getPropertyValue("--quiet");
    for (const band of this.plan.bands) {
      const { bottom, row } = span(band, this.plan, box.height);
      band.rows.forEach((pitch, k) => {
        const y = box.y + bottom - (k + 1) * row;
        const black = !band.drum && [1, 3, 6, 8, 10].includes(pitch % 12);
        context.fillStyle = colour(this.tint.map((v) => v * 0.35), night ? (black ? 0.225 : 0.25) : black ? 0.935 : 0.958);
        context.fillRect(box.x, y + 0.5, box.width, Math.max(row - 1, 0.5));
        if (band.drum ? row >= 9 : pitch % 12 === 0 && row * 12 >= 11) {
          context.fillStyle = ink;
          context.textAlign = "right";
          const name = band.drum ? drumName(pitch) : pitchName(pitch);
          context.fillText(name, left - 8, y + row / 2, left - 8);
        }
      });
    }
    const every = bars > 4 ? this.bar : this.beat;
    for (let tick = 0; tick <= this.music.length; tick += every) {
      const x = box.x + (tick / this.music.length) * box.width;
      const first = tick % this.bar === 0;
      context.fillStyle = colour([0, 0], night ? (first ? 0.5 : 0.34) : first ? 0.68 : 0.86);
      context.fillRect(Math.round(x) - 0.5, box.y, 1, box.height);
      if (first && tick < this.music.length) {
        context.fillStyle = ink;
        context.textAlign = "left";
        context.fillText(String(tick / this.bar + 1), x + 2, height - 9);
      }
    }
    drawNotes(context, this.music, this.plan, box, {
      tint: this.tint,
      voices: this.voices,
      muted: this.muted,
      gap: 1,
      now: this.now,
    });
    if (this.now !== null) {
      const x = box.x + (this.now / this.music.length) * box.width;
      context.fillStyle = night ? "#fff" : "#14171c";
      context.fillRect(x - 1, box.y - 2, 2, box.height + 4);
    }
  }
}
