// The sequence VAE of `seqvae.music.networks` in the browser: encoder and decoder.

import { Arithmetic } from "vaecore/page/model/arithmetic.js";
import {
  ChainHead, ChordEmbedding, generator, NotesHead, PerformanceEmbedding, PerformanceHead, SoftmaxHead,
  TokenEmbedding,
} from "./heads.js";
import { Conditioned, Part, Reader, stepLayers } from "./lstm.js";

const HEADS = { softmax: SoftmaxHead, chain: ChainHead, groove: PerformanceHead, notes: NotesHead };
const listed = (value) => (Array.isArray(value) ? value : [value]);
const product = (values) => values.reduce((a, b) => a * b, 1);

function embeddingOf(part) {
  if (part.has("of_token")) return new TokenEmbedding(part);
  return part.has("key") ? new ChordEmbedding(part) : new PerformanceEmbedding(part);
}

/** Encodes windows, on one level or more: `SequenceEncoder` of Python. */
class Encoder {
  constructor(part, shape) {
    const { lengths, voices } = shape;
    this.voices = voices;
    const several = voices > 1;
    this.embeddings = Array.from({ length: voices }, (_, k) =>
      embeddingOf(part.part(several ? `embedding.${k}.` : "embedding.")));
    this.inner = lengths.slice(1).map((_, level) => {
      const batch = product(lengths.slice(0, lengths.length - 1 - level));
      const each = several && level === 0 ? voices : 1;
      return Array.from({ length: each }, (_, k) =>
        new Reader(part.part(each > 1 ? `inner.${level}.${k}.` : `inner.${level}.`), batch));
    });
    this.outer = new Reader(part, 1);
    this.mean = part.linear("mean");
  }

  /** Return the mean of the posterior of a window. */
  encode(window, steps, size) {
    const first = this.inner.length ? this.inner[0] : [this.outer];
    const length = first[0].steps, bars = steps / length, width = this.embeddings[0].width;
    // With levels, each voice of a bar is read separately; with one level, all are read together.
    const groups = this.inner.length ? this.embeddings.map((each) => [each]) : [this.embeddings];
    let offset = 0;
    let vectors = groups.map((group) => {
      const found = new Float32Array(steps * width);
      group.forEach((embedding, k) => {
        for (let step = 0; step < steps; step++) {
          const bar = Math.floor(step / length), place = ((step % length) * bars + bar) * width;
          embedding.add(window, step * size + offset + k, found, place, size);
        }
      });
      offset += group.length;
      return found;
    });
    let count = bars;
    this.inner.forEach((readers, level) => {
      const parts = readers.map((reader, k) => reader.read(vectors[k], count));
      const sizes = readers.map((reader) => reader.width);
      const all = sizes.reduce((a, b) => a + b, 0);
      const next = level + 1 < this.inner.length ? this.inner[level + 1][0] : this.outer;
      const rows = count / next.steps, turned = new Float32Array(count * all);
      for (let row = 0; row < count; row++) { // row r * steps + t goes to (t, r)
        const place = ((row % next.steps) * rows + Math.floor(row / next.steps)) * all;
        let begin = 0;
        parts.forEach((values, k) => {
          turned.set(values.subarray(row * sizes[k], (row + 1) * sizes[k]), place + begin);
          begin += sizes[k];
        });
      }
      vectors = [turned];
      count = rows;
    });
    return this.mean.of(this.outer.read(vectors[0], 1));
  }
}

/** Writes one voice step by step: `SequenceDecoder` of Python. */
class Core {
  constructor(part, head, batch, classes) {
    this.lstm = new Conditioned(part, batch);
    this.embedding = embeddingOf(part.part("embedding."));
    this.head = new HEADS[head](part.part("head."), batch, classes);
    this.floats = head === "groove";
  }

  /**
   * Return the steps `(batch, steps, size)` of codes.
   * @param noise uniform numbers `(steps, size)`, the same for all rows
   * @param heard inputs from another voice, which are added, `(batch, steps, inputs)`, or null
   * @param tilt additions to the logits of notes, `(batch, steps, classes)`, or null
   */
  write(codes, batch, temperature, noise, heard, tilt) {
    const { lstm, head, embedding } = this, { steps, inputs, hidden } = lstm, { size } = head;
    const guide = lstm.guide(codes, batch);
    if (heard) {
      for (let t = 0, k = 0; t < steps; t++) {
        for (let b = 0; b < batch; b++) {
          const from = (b * steps + t) * inputs;
          for (let i = 0; i < inputs; i++, k++) guide[k] += heard[from + i];
        }
      }
    }
    lstm.begin(codes, batch);
    const kind = this.floats ? Float32Array : Int32Array;
    const found = new kind(batch * steps * size), { projection } = head;
    for (let t = 0; t < steps; t++) {
      const own = guide.slice(t * batch * inputs, (t + 1) * batch * inputs);
      const known = own.slice();
      for (let b = 0; t && b < batch; b++) {
        embedding.add(found, (b * steps + t - 1) * size, own, b * inputs, size);
      }
      const top = stepLayers(lstm.cells, own, batch), f = projection.arithmetic.floats;
      for (let b = 0; b < batch; b++) {
        const row = projection.input + b * projection.columns;
        f.set(top.subarray(b * hidden, (b + 1) * hidden), row);
        f.set(known.subarray(b * inputs, (b + 1) * inputs), row + hidden);
      }
      projection.run(batch);
      for (let b = 0; b < batch; b++) {
        const from = projection.output + b * projection.rows;
        const own = f.subarray(from, from + projection.outputs), n = projection.outputs;
        const by = tilt?.subarray((b * steps + t) * n, (b * steps + t + 1) * n);
        const projected = by ? tilted(own, by) : own;
        const drawn = noise.subarray(t * size, (t + 1) * size);
        head.choose(projected, temperature, drawn, found, (b * steps + t) * size);
      }
    }
    return found;
  }
}

/** Return the note that sounds at each step of a voice, or 0: `sounding` of Python. */
function sounding(steps) {
  let latest = 0;
  return steps.map((token) => {
    if (token) latest = token;
    return latest >= 2 ? latest : 0;
  });
}

const OCTAVE = 12, AHEAD = 4, FIRST_NOTE = 2;

/** Return the additions to a bass's logits, `(steps, classes)`, for a melody: `Harmony` of Python. */
function harmonyOf(melody, table, classes) {
  const found = new Float32Array(melody.length * classes), sounds = sounding(melody);
  for (let t = 0; t < melody.length; t++) {
    for (let k = t; k < Math.min(t + AHEAD, melody.length); k++) {
      if (sounds[k] < FIRST_NOTE) continue;
      for (let n = FIRST_NOTE; n < classes; n++) {
        const interval = (((sounds[k] - n) % OCTAVE) + OCTAVE) % OCTAVE;
        found[t * classes + n] += table[interval] / AHEAD;
      }
    }
  }
  return found;
}

/** Return logits with these additions; that a note begins stays as likely: `tilted` of Python. */
function tilted(logits, tilt) {
  const found = Float32Array.from(logits, (value, k) => value + (k < FIRST_NOTE ? 0 : tilt[k]));
  const mass = (values) => {
    let most = -Infinity, sum = 0;
    for (let k = FIRST_NOTE; k < values.length; k++) most = Math.max(most, values[k]);
    for (let k = FIRST_NOTE; k < values.length; k++) sum += Math.exp(values[k] - most);
    return most + Math.log(sum);
  };
  const change = mass(logits) - mass(found);
  return found.map((value, k) => (k < FIRST_NOTE ? value : value + change));
}

/**
 * A model, made from an architecture (of `config.json`) and tensors (of `readTensors`). A window has
 * one class for each step and voice, `(steps, voices)`, or 27 numbers for each step of a drum
 * performance, or 12 for each step of chords.
 */
export class SequenceModel {
  constructor(architecture, tensors, plain = false) {
    const a = architecture, arithmetic = new Arithmetic(plain);
    const part = new Part(arithmetic, tensors, ""), decoder = part.part("decoder.");
    this.steps = a.steps;
    this.latent = a.latent_dim;
    this.voices = listed(a.classes).length;
    const heads = Array.from({ length: this.voices }, (_, k) => listed(a.head)[k] ?? listed(a.head)[0]);
    const lengths = a.encoder_levels?.length ? a.encoder_levels : [a.steps];
    this.encoder = new Encoder(part.part("encoder."), { lengths, voices: this.voices });
    this.conductors = [];
    this.bars = 1;
    for (const length of (a.levels ?? []).slice(0, -1)) {
      const own = decoder.part(`conductors.${this.conductors.length}.`);
      this.conductors.push(new Conditioned(own, this.bars));
      this.bars *= length;
    }
    this.cores = heads.map((head, k) =>
      new Core(a.levels?.length ? decoder.part(`cores.${k}.`) : decoder, head, this.bars, listed(a.classes)[k]));
    this.ears = a.hearing ? heads.slice(1).map((_, k) => ["begins", "sounds"].map((name) =>
      new TokenEmbedding(decoder.part(`ears.${k}.${name}.`)))) : [];
    this.harmony = a.harmony?.length ? a.harmony : null;
    this.classes = listed(a.classes);
    this.size = this.voices > 1 ? this.voices : this.cores[0].head.size;
    this.performed = this.cores[0].floats;
  }

  /** Return the posterior mean of a window. */
  encode(window) {
    return this.encoder.encode(window, this.steps, this.size);
  }

  /**
   * Return the window of a code.
   * @param code `latent` numbers
   * @param temperature 0 takes the likeliest value of each step; above 0 they are drawn by the seed
   */
  decode(code, temperature = 0, seed = 0) {
    const bars = this.bars, steps = this.steps / bars, random = generator(seed);
    let codes = Float32Array.from(code), rows = 1;
    for (const conductor of this.conductors) {
      codes = conductor.outputs(codes, rows);
      rows *= conductor.steps;
    }
    const parts = [];
    for (const core of this.cores) {
      const noise = Float64Array.from({ length: steps * core.head.size }, random);
      const heard = parts.length && this.ears.length ? this.heard(parts[0], parts.length - 1) : null;
      const tilt = parts.length === 1 && this.harmony
        ? harmonyOf(parts[0], this.harmony, this.classes[1]) : null;
      parts.push(core.write(codes, rows, temperature, noise, heard, tilt));
    }
    if (parts.length === 1) return parts[0];
    const found = new Int32Array(this.steps * parts.length);
    parts.forEach((voice, k) => voice.forEach((token, t) => { found[t * parts.length + k] = token; }));
    return found;
  }

  heard(first, k) {
    const [begins, sounds] = this.ears[k], width = begins.width, lasting = sounding(first);
    const found = new Float32Array(this.steps * width);
    for (let t = 0; t < this.steps; t++) {
      begins.add(first, t, found, t * width);
      sounds.add(lasting, t, found, t * width);
    }
    return found;
  }
}
