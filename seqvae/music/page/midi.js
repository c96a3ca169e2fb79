// Standard MIDI files, written and read; and Web MIDI, for synthesisers and other programs.

import { groupOf, notesOf } from "./roll.js";
import { QUARTER, swung } from "./time.js";

const DRUM_CHANNEL = 9;
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
// The order of events on one tick: a note must end before the same pitch starts again.
const [OFF, PROGRAM, ON] = [0, 1, 2];

/** A number in variable-length encoding: seven bits in a byte, the highest first. @param {number} value */
function variable(value) {
  const bytes = [value & 127];
  for (let rest = value >> 7; rest; rest >>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}

function meta(kind, bytes) {
  return [255, kind, ...variable(bytes.length), ...bytes];
}

function text(kind, string) {
  return meta(kind, [...new TextEncoder().encode(plain(string))]);
}

/** A text in ASCII as far as possible, as by Python's `plain`. */
function plain(string) {
  const letter = (character) => {
    const base = character.normalize("NFKD").replace(/\p{M}/gu, "");
    return /^[\0-\x7f]*$/.test(base) ? base : character;
  };
  return [...string].map(letter).join("").replace(/[\0-\x1f\x7f]/g, "");
}

/** The chunk of a track from events [tick, bytes] in order. */
function track(events, end) {
  const bytes = [];
  let now = 0;
  let running = 0;
  for (const [tick, message] of [...events, [Math.max(end, now), meta(0x2f, [])]]) {
    bytes.push(...variable(Math.max(0, tick - now)));
    const [status] = message;
    bytes.push(...(status !== 255 && status === running ? message.slice(1) : message));
    running = status === 255 ? 0 : status;
    now = Math.max(now, tick);
  }
  return [...ascii("MTrk"), ...wide(bytes.length, 4), ...bytes];
}

const ascii = (string) => [...string].map((letter) => letter.charCodeAt(0));
const wide = (value, count) =>
  Array.from({ length: count }, (_, k) => (value >> (8 * (count - 1 - k))) & 255);

/**
 * Write music as a MIDI file of type 1, with the bytes of Python's `write_midi`.
 * @param {{music: import("./roll.js").Music, from: number, to: number}[]} parts see `pieces`
 * @param {Object} options
 * @param {import("./roll.js").Voice[]} options.voices
 * @param {Record<string, string>} [options.instruments] names of MIDI programs
 * @param {number|null} [options.bpm] one tempo for all; null for the music's own
 * @param {number} [options.swing]
 * @param {number} [options.swingGrid]
 * @param {Set<string>} [options.muted] groups of notes to leave out, see `groupOf`
 * @param {string[]} [options.titles] a name for each part
 * @returns {Uint8Array}
 */
export function writeMidi(parts, options) {
  const { voices, instruments = {}, bpm = null, swing = 0.5, swingGrid = 16 } = options;
  const head = [];
  const tracks = new Map();
  let now = 0;
  let tempo = 0;
  let meter = "";
  parts.forEach(({ music, from, to }, index) => {
    const end = now + to - from;
    if (parts.length > 1) {
      const title = `${index + 1}/${parts.length} ${options.titles?.[index] ?? ""}`.trim();
      head.push([now, text(0x06, title)]);
    }
    const [numerator, denominator] = music.meter;
    if (String(music.meter) !== meter) head.push([now, meta(0x58, [numerator, Math.log2(denominator), 24, 8])]);
    meter = String(music.meter);
    const tempos = bpm ? [[0, bpm]] : music.tempos;
    const before = tempos.filter(([tick]) => tick <= from).at(-1);
    for (const [tick, value] of [[from, before[1]], ...tempos.filter(([tick]) => tick > from && tick < to)]) {
      const micros = Math.min(Math.max(Math.round(60e6 / value), 1), 0xffffff);
      if (micros !== tempo) head.push([now + tick - from, meta(0x51, wide(micros, 3))]);
      tempo = micros;
    }
    voices.forEach((voice, v) => {
      const program = music.programs[v];
      const name = voices.length > 1 ? voice.name : "";
      const key = `${voice.drum} ${program} ${name}`;
      if (!tracks.has(key)) {
        const pitched = [...tracks.values()].filter((each) => !each.drum).length;
        const channel = voice.drum ? DRUM_CHANNEL : CHANNELS[pitched % CHANNELS.length];
        const called = name || (voice.drum ? "Drums" : instruments[program] ?? `Program ${program + 1}`);
        tracks.set(key, {
          drum: voice.drum,
          channel,
          name: called,
          events: [[now, PROGRAM, [0xc0 | channel, program]]],
        });
      }
      const { channel, events } = tracks.get(key);
      for (const note of notesOf(music)) {
        if (note.voice !== v || options.muted?.has(groupOf(voice, note.pitch))) continue;
        const begin = swung(note.start, swing, swingGrid);
        if (begin < from || begin >= to) continue;
        const start = now + Math.round(begin - from);
        const stop = Math.min(now + Math.round(swung(note.start + note.duration, swing, swingGrid) - from), end);
        events.push([start, ON, [0x90 | channel, note.pitch, note.velocity]]);
        events.push([Math.max(stop, start + 1), OFF, [0x80 | channel, note.pitch, 0]]);
      }
    });
    now = end;
  });
  head.sort((a, b) => a[0] - b[0]);
  const chunks = [track(head, now)];
  for (const { name, events } of tracks.values()) {
    events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const ordered = events.map(([tick, , message]) => [tick, message]);
    chunks.push(track([[0, text(0x03, name)], ...ordered], now));
  }
  const header = [...ascii("MThd"), ...wide(6, 4), ...wide(1, 2), ...wide(chunks.length, 2), ...wide(QUARTER, 2)];
  return Uint8Array.from([header, ...chunks].flat());
}

/**
 * Read a MIDI file.
 * @param {Uint8Array|ArrayBuffer} content
 * @returns {{ticksPerQuarter: number, tempos: number[][], meters: number[][], tracks: {name: string,
 *   notes: {start: number, end: number, pitch: number, velocity: number, channel: number,
 *   program: number}[]}[]}} times in ticks of the file; tempos are [tick, bpm], meters [tick,
 *   numerator, denominator], empty for 4/4 by default
 */
export function readMidi(content) {
  const bytes = content instanceof Uint8Array ? content : new Uint8Array(content);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 14 || name(0) !== "MThd") throw new Error("this is not a MIDI file");
  const division = view.getInt16(12);
  if (division <= 0) throw new Error("this MIDI file has its times in seconds instead of beats");
  const found = { ticksPerQuarter: division, tempos: [], meters: [], tracks: [] };
  let at = 8 + view.getUint32(4);
  while (at + 8 <= bytes.length) {
    const begin = at + 8;
    const end = Math.min(begin + view.getUint32(at + 4), bytes.length);
    if (name(at) === "MTrk") found.tracks.push(readTrack(bytes.subarray(begin, end), found));
    at = end;
  }
  last(found);
  for (const list of [found.tempos, found.meters]) list.sort((a, b) => a[0] - b[0]);
  if (!found.tempos.length || found.tempos[0][0] > 0) found.tempos.unshift([0, 120]);
  return found;
}

const HANGING = 64; // most quarter notes after the last event that a note without an end lasts

/** Give an end to notes without one: drums, and notes without length, last a sixteenth. */
function last({ tracks, ticksPerQuarter }) {
  const all = tracks.flatMap(({ notes }) => notes);
  const latest = all.reduce((most, note) => Math.max(most, note.start, note.ended ? note.end : 0), 0);
  for (const { notes } of tracks) {
    for (const note of notes) {
      const brief = note.end <= note.start || (!note.ended && note.channel === DRUM_CHANNEL);
      if (note.ended && !brief) continue;
      const next = (key) => notes.reduce((first, other) =>
        other.start > note.start && key(other) ? Math.min(first, other.start) : first, Infinity);
      const same = next((other) => other.pitch === note.pitch && other.channel === note.channel);
      note.end = brief
        ? Math.min(note.start + Math.max(1, ticksPerQuarter >> 2), same)
        : Math.min(note.end, latest + HANGING * ticksPerQuarter, same);
    }
  }
}

function readTrack(bytes, found) {
  const programs = new Array(16).fill(0);
  const sounding = new Map();
  const result = { name: "", notes: [] };
  let [at, tick, status] = [0, 0, 0];
  const number = () => {
    let value = 0;
    for (let byte = 128; byte & 128 && at < bytes.length; ) {
      byte = bytes[at++];
      value = value * 128 + (byte & 127);
    }
    return value;
  };
  while (at < bytes.length) {
    tick += number();
    if (bytes[at] >= 0xf0) {
      const kind = bytes[at++] === 0xff ? bytes[at++] : -1;
      const length = number();
      const body = bytes.subarray(at, at + length);
      at += length;
      if (kind === 0x03) result.name = new TextDecoder().decode(body);
      if (kind === 0x51) found.tempos.push([tick, 60e6 / (body[0] * 65536 + body[1] * 256 + body[2])]);
      if (kind === 0x58) found.meters.push([tick, body[0], 2 ** body[1]]);
      if (kind === 0x2f) break;
      continue;
    }
    if (bytes[at] & 128) status = bytes[at++]; // else that of the event before
    if (!status) throw new Error("this MIDI file is damaged");
    const kind = status >> 4;
    const channel = status & 15;
    const first = bytes[at++];
    const second = kind === 0xc || kind === 0xd ? 0 : bytes[at++];
    if ((first | second) & 128) continue; // data bytes have seven bits
    if (kind === 0xc) programs[channel] = first;
    if (kind !== 8 && kind !== 9) continue;
    const key = channel * 128 + first;
    const open = sounding.get(key) ?? [];
    if (kind === 9 && second) {
      const note = { start: tick, end: tick, pitch: first, velocity: second, channel, program: programs[channel], ended: false };
      result.notes.push(note);
      sounding.set(key, [...open, note]);
    } else if (open.length) {
      Object.assign(open[0], { end: tick, ended: true }); // the oldest ends first, as players have it
      sounding.set(key, open.slice(1));
    }
  }
  for (const open of sounding.values()) for (const note of open) note.end = tick;
  return result;
}

/** Web MIDI out: sends the player's notes to a device or a program. */
export class MidiOut {
  /** @type {any} */
  access = null;
  /** @type {any} */
  port = null;
  #programs = new Map();

  /** Whether this browser has Web MIDI. */
  static get available() {
    return "requestMIDIAccess" in navigator;
  }

  /** Ask the visitor for access. @param {() => void} [changed] called when devices come or go */
  async open(changed) {
    this.access ??= await navigator.requestMIDIAccess();
    this.access.onstatechange = () => changed?.();
    return this.outputs;
  }

  /** The devices. */
  get outputs() {
    return this.access ? [...this.access.outputs.values()] : [];
  }

  /** @param {string} id of a device; "" is none */
  choose(id) {
    this.silence();
    this.port = this.outputs.find((each) => each.id === id) ?? null;
    this.#programs.clear();
  }

  /**
   * Send the begin or the end of a note.
   * @param {number} channel
   * @param {number} program
   * @param {number} pitch
   * @param {number} velocity 0 ends the note
   * @param {number} when milliseconds on the clock of `performance.now()`
   */
  send(channel, program, pitch, velocity, when) {
    if (!this.port) return;
    if (channel !== DRUM_CHANNEL && this.#programs.get(channel) !== program) {
      this.#programs.set(channel, program);
      this.port.send([0xc0 | channel, program], when);
    }
    this.port.send([(velocity ? 0x90 : 0x80) | channel, pitch, velocity], when);
  }

  /** End all notes. */
  silence() {
    this.port?.clear?.();
    for (let channel = 0; channel < 16; channel++) this.port?.send([0xb0 | channel, 123, 0]);
  }
}

/** The MIDI channel of each voice, from 0. @param {import("./roll.js").Voice[]} voices */
export function channels(voices) {
  let pitched = 0;
  return voices.map((voice) => (voice.drum ? DRUM_CHANNEL : CHANNELS[pitched++ % CHANNELS.length]));
}
