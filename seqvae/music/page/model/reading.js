// From a visitor's MIDI file to a window, as `SequenceCodec.read` of Python, for one voice.

import { readMidi } from "../midi.js";

const NEAR = 1 / 8; // quarter notes by which a change of meter may miss a bar line
const NOTE_OFF = 1, FIRST_NOTE = 2;

const barOf = ([above, below]) => (4 * Math.max(1, above)) / Math.max(1, below);

/** Bars of one, two, six and eight quarters, 3/8 and 9/8 as bars that models have; null: unchanged. */
function regrouped([above, below]) {
  const length = barOf([above, below]), compound = below >= 8 && above % 3 === 0;
  if (length === 1 || length === 2 || length === 8) return [4, 4];
  if (length === 6 && !compound) return [3, 4];
  if ((length === 1.5 || length === 4.5) && compound) return [6, 8];
  return null;
}

/** The stretches of music in one meter, in quarter notes. */
function stretches(metres, end) {
  let begin = 0, metre = [4, 4], implied = true;
  const found = [];
  for (let [at, above, below] of metres) {
    if (at >= end) break;
    const length = barOf(metre), lines = Math.round((at - begin) / length);
    const onLine = Math.abs(at - begin - lines * length) < NEAR;
    if (onLine) at = begin + lines * length;
    if (above === metre[0] && below === metre[1] && (onLine || !implied)) {
      implied = false;
      continue;
    }
    if (at > begin) found.push({ begin, stop: at, metre });
    [begin, metre, implied] = [at, [above, below], false];
  }
  found.push({ begin, stop: Math.max(end, begin), metre });
  return found.flatMap((stretch, k) => {
    const metre = regrouped(stretch.metre), { begin, stop } = stretch;
    if (!metre) return [stretch];
    if (k === found.length - 1) return [{ begin, stop, metre }];
    const length = barOf(metre), whole = begin + Math.floor((stop - begin + NEAR) / length) * length;
    const parts = whole > begin ? [{ begin, stop: whole, metre }] : [];
    return stop - whole > NEAR ? [...parts, { begin: whole, stop, metre: stretch.metre }] : parts;
  });
}

/** The parts of a file: each channel of each track, with its notes in quarter notes. */
function partsOf(bytes, rules) {
  const midi = readMidi(bytes), unit = midi.ticksPerQuarter, parts = [];
  midi.tracks.forEach(({ name, notes }) => {
    const channels = new Map();
    for (const note of notes) {
      if (!channels.has(note.channel)) channels.set(note.channel, []);
      const start = note.start / unit, end = note.end / unit;
      channels.get(note.channel).push({ ...note, start, end, part: 0 });
    }
    for (const [channel, own] of [...channels].sort((a, b) => a[0] - b[0])) {
      const pitches = own.map(({ pitch }) => pitch);
      const drum = channel === 9 || isKit(name, pitches, rules);
      for (const note of own) Object.assign(note, { part: parts.length, drum });
      parts.push({ name: name.trim(), drum, notes: own });
    }
  });
  const scaled = (changes) => changes.map(([tick, ...rest]) => [tick / unit, ...rest]);
  return { parts, tempos: scaled(midi.tempos), meters: scaled(midi.meters) };
}

/** Whether a part on any channel is called drums, and its keys are those of a kit. */
function isKit(name, pitches, { names, drumOf }) {
  const called = new RegExp(names.drums, "i").test(name) && !new RegExp(names.pitched, "i").test(name);
  const share = (test) => pitches.filter(test).length / pitches.length;
  const [low, high] = names.basic;
  return called && share((p) => p >= low && p <= high) >= 0.5 && share((p) => drumOf[p] >= 0) >= names.kit;
}

/** The highest note of each onset, without those below a note that still sounds. */
function topLine(notes, pedal) {
  const found = [];
  const ordered = notes.map((note, k) => [note, k])
    .sort(([a, j], [b, k]) => a.part - b.part || a.start - b.start || b.pitch - a.pitch || j - k)
    .map(([note]) => note);
  let above = [], part = -1, last = null;
  for (const note of ordered) {
    if (last && last.part === note.part && last.start === note.start) continue;
    last = note;
    if (note.part !== part) [part, above] = [note.part, []];
    above = above.filter(([, end]) => end > note.start);
    const covered = above.filter(([pitch]) => pitch > note.pitch)
      .reduce((most, [, end]) => Math.max(most, Math.min(end, note.end) - note.start), 0);
    if (2 * covered < note.end - note.start) found.push(note);
    above.push([note.pitch, Math.min(note.end, note.start + pedal)]);
  }
  return found;
}

/** Groups of notes without a rest of a bar; the relaxed rules allow rests. */
function runs(notes, bar, relaxed, ends) {
  const found = [];
  notes.forEach((note, k) => {
    const before = notes[k - 1];
    const cut = k === 0 || before.part !== note.part || (!relaxed && note.start - ends(before) >= bar);
    if (cut) found.push([]);
    found.at(-1).push(note);
  });
  return found;
}

function frame(first, last, shortest, bar) {
  const begin = last <= shortest ? 0 : first - (first % bar);
  return [begin, Math.max(shortest, Math.ceil(last / bar) * bar - begin)];
}

/** A stretch of drumming: hits, velocities and pitches of every step. */
function drumPhrase(notes, begin, length, { drumOf, kinds, performed, apart }) {
  const size = performed ? 3 * kinds : apart ? kinds : 1;
  const phrase = {
    size, begin, length, program: 0,
    events: performed ? new Float32Array(length * size) : new Int32Array(length * size),
    velocity: new Uint8Array(length * kinds), pitch: new Uint8Array(length * kinds),
  };
  // The loudest hit is last, so that it is the one that counts at its step.
  const order = notes.map((note, k) => [note, k]);
  for (const [note] of [...order].sort(([a, j], [b, k]) => a.velocity - b.velocity || j - k)) {
    const step = note.start - begin, kind = drumOf[note.pitch];
    if (step < 0 || step >= length) continue;
    phrase.velocity[step * kinds + kind] = note.velocity;
    phrase.pitch[step * kinds + kind] = note.pitch;
    if (apart) phrase.events[step * size + kind] = 1;
    else if (!performed) phrase.events[step] |= 1 << kind;
  }
  if (performed) {
    for (const [note] of order.sort(([a, j], [b, k]) => a.velocity - b.velocity || k - j)) {
      const at = (note.start - begin) * size + drumOf[note.pitch];
      phrase.events[at] = 1;
      phrase.events[at + kinds] = note.velocity / 127;
      phrase.events[at + 2 * kinds] = -2 * note.late;
    }
  }
  return phrase;
}

/** A melody: where notes begin and end, and which note sounds at every bar line. */
function melodyPhrase(notes, begin, length, { lowest, bar }) {
  const events = new Int32Array(length), held = new Int32Array(length / bar);
  const velocity = new Uint8Array(length), ends = notes.map((note, k) =>
    (k + 1 < notes.length ? Math.min(note.end, notes[k + 1].start) : note.end) - begin);
  for (const end of ends) if (end < length) events[end] = NOTE_OFF;
  notes.forEach((note, k) => {
    const on = note.start - begin;
    events[on] = note.pitch - lowest + FIRST_NOTE;
    for (let line = Math.ceil(on / bar) * bar; line < ends[k] && line < length; line += bar) {
      held[line / bar] = events[on];
      velocity[line] = note.velocity;
    }
  });
  for (const note of notes) velocity[note.start - begin] = note.velocity;
  const { program } = notes[0];
  return { size: 1, begin, length, program, events, held, velocity, pitch: new Uint8Array(length) };
}

/** A window by itself: held notes begin again at its start, and note offs before them are dropped. */
function clean(window, held) {
  if (held && !window[0]) window[0] = held;
  for (let k = 0; k < window.length && window[k] < FIRST_NOTE; k++) window[k] = 0;
}

/** Yield the windows of the passages of some notes. */
function* windows(usable, music, rules, relaxed) {
  const { steps, bar, lengths, drums, mostSteps } = rules;
  const notes = usable.map((note, k) => [note, k])
    .sort(([a, j], [b, k]) => a.start - b.start || j - k).map(([note]) => note);
  const found = stretches(music.meters, music.end);
  let first = 0;
  for (const [k, { begin, stop, metre }] of found.entries()) {
    const next = found[k + 1]?.begin ?? Infinity;
    let last = first;
    while (last < notes.length && notes[last].start < next - NEAR) last++;
    const own = notes.slice(first, last);
    first = last;
    const unit = lengths[barOf(metre)];
    if (!unit) continue;
    const gridded = own.map((note) => {
      const at = (note.start - begin) * unit, start = Math.floor(at + 0.5);
      const end = Math.floor((Math.min(note.end, stop) - begin) * unit + 0.5);
      return { ...note, start, end: Math.max(end, start + 1), late: at - start, part: drums ? 0 : note.part };
    });
    const line = drums ? gridded : topLine(gridded, 2 * bar);
    const ends = (note) => (drums ? note.start + 1 : note.end);
    for (const group of runs(line, bar, relaxed, ends)) {
      const [from, length] = frame(group[0].start, ends(group.at(-1)), relaxed ? steps : 0, bar);
      const phrase = (drums ? drumPhrase : melodyPhrase)(group, from, length, rules);
      const most = Math.min(phrase.length, mostSteps ?? Infinity);
      for (let at = 0; at + steps <= most; at += bar) {
        const window = phrase.events.slice(at * phrase.size, (at + steps) * phrase.size);
        if (!drums) clean(window, phrase.held[at / bar]);
        const kinds = phrase.velocity.length / phrase.length;
        const part = (values) => values.slice(at * kinds, (at + steps) * kinds);
        const place = begin + (at + from) / unit;
        const tempo = music.tempos.filter(([quarters]) => quarters <= place + NEAR).at(-1)?.[1] ?? 120;
        yield {
          window, tempo, programs: [phrase.program], part: group[0].part,
          velocity: part(phrase.velocity), pitch: part(phrase.pitch),
        };
      }
    }
  }
}

/**
 * Read a MIDI file: its first window with notes, and the parts to choose from.
 * @param bytes content of the file
 * @param rules `reading` of the page's data
 * @param chosen number of the part; by default that of the likeliest melody
 * @returns `{window, velocity, pitch, tempo, programs, part, parts}`
 * @throws Error whose message is the end of a sentence that begins with the file's name
 */
export function readWindow(bytes, rules, chosen = null) {
  const { parts, tempos, meters } = partsOf(bytes, rules);
  const all = parts.flatMap(({ notes }) => notes);
  if (!all.length) throw new Error("has no notes");
  const { drums, drumOf, lowest, highest } = rules;
  const end = Math.max(...all.map((note) => (note.drum ? note.start + 1 / 4 : note.end)));
  const fits = (note) => (drums
    ? note.drum && drumOf[note.pitch] >= 0
    : !note.drum && note.pitch >= lowest && note.pitch <= highest);
  const usable = all.filter(fits);
  if (!usable.length) throw new Error(drums ? "has no drums" : "has no melody, only drums");
  const there = [...new Set(usable.map(({ part }) => part))];
  const some = chosen !== null && there.includes(chosen) ? chosen : likeliest(there, parts, rules);
  const notes = drums ? usable : usable.filter(({ part }) => part === some);
  const listed = drums ? [] : there.map((part) => ({ part, name: parts[part].name || `Part ${part + 1}` }));
  const music = { tempos, meters, end };
  let empty = null;
  for (const relaxed of [false, true]) {
    for (const found of windows(notes, music, rules, relaxed)) {
      if (found.window.some((value) => value)) return { ...found, part: some, parts: listed };
      empty = found;
    }
    if (empty) break;
  }
  const bars = Object.keys(rules.lengths).map((quarters) => `${quarters} quarter notes`).join(", ");
  throw new Error(`has no ${rules.bars} bars of ${bars}`);
}

/** The part that is named melody, or else the highest of those that play in much of the file. */
function likeliest(there, parts, rules) {
  if (there.length === 1 || rules.drums) return there[0];
  const named = there.find((part) => new RegExp(rules.names.melody, "i").test(parts[part].name));
  if (named !== undefined) return named;
  const mean = ({ notes }) => notes.reduce((sum, { pitch }) => sum + pitch, 0) / notes.length;
  const most = Math.max(...there.map((part) => parts[part].notes.length));
  const busy = there.filter((part) => parts[part].notes.length >= most / 4);
  return busy.reduce((best, part) => (mean(parts[part]) > mean(parts[best]) ? part : best));
}
