// Magenta's networks in the browser, for models of `seqvae import`: `seqvae.music.magenta`.

import { Arithmetic } from "vaecore/page/model/arithmetic.js";
import { generator } from "./heads.js";
import { beginLayers, Cell, Part, readBothWays, stepLayers } from "./lstm.js";
import { outputOf, shownOf, tokensOf } from "./magenta_steps.js";

const listed = (value) => (Array.isArray(value) ? value : [value]);
const product = (values) => values.reduce((a, b) => a * b, 1);

/** Return the layers `place(number)` of a part, each with its cells of one direction or of both. */
function layersOf(part, place, batch, suffixes) {
  const found = [];
  for (let k = 0; part.has(`${place(k)}weight_ih_${suffixes[0]}`); k++) {
    found.push(suffixes.map((suffix) => new Cell(part.part(place(k)), suffix, batch)));
  }
  return found;
}

/** Bidirectional LSTMs on one level or two: `MagentaEncoder` of Python. */
class Encoder {
  constructor(part, a, tokens) {
    this.lengths = a.encoder_levels?.length ? a.encoder_levels : [a.steps];
    this.tokens = tokens;
    this.a = a;
    this.levels = this.lengths.map((_, level) => {
      const batch = product(this.lengths.slice(0, this.lengths.length - 1 - level));
      return layersOf(part, (k) => `levels.${level}.${k}.`, batch, ["l0", "l0_reverse"]);
    });
    this.inputs = this.levels[0][0][0].inputs;
    this.mean = part.linear("mean");
  }

  /** Return the mean of the posterior of a window. */
  encode(window) {
    const { a, tokens, inputs } = this, innermost = this.lengths.at(-1), rows = a.steps / innermost;
    let vectors = new Float32Array(a.steps * inputs);
    for (let step = 0; step < a.steps; step++) {
      const own = window.slice(step * tokens.size, (step + 1) * tokens.size);
      const place = ((step % innermost) * rows + Math.floor(step / innermost)) * inputs;
      this.write(own, vectors, place);
    }
    let batch = rows, width = 0;
    this.levels.forEach((layers, level) => {
      const length = this.lengths[this.lengths.length - 1 - level];
      const outputs = readBothWays(layers, vectors, length, batch), half = layers.at(-1)[0].hidden;
      width = 2 * half;
      // The last states of both directions; row r * next + t is step t of the row r above.
      const next = this.lengths[this.lengths.length - 2 - level] ?? 1, above = batch / next;
      vectors = new Float32Array(batch * width);
      for (let b = 0; b < batch; b++) {
        const at = ((b % next) * above + Math.floor(b / next)) * width;
        const last = ((length - 1) * batch + b) * width, first = b * width;
        vectors.set(outputs.subarray(last, last + half), at);
        vectors.set(outputs.subarray(first + half, first + width), at + half);
      }
      batch = above;
    });
    return this.mean.of(vectors);
  }

  /** Write the inputs of a step. */
  write(step, out, place) {
    const { a, tokens } = this;
    const shown = a.head === "groove" ? shownOf(step, a.hides) : step;
    tokens.write(shown, 0, out, place);
    let at = place + tokens.width;
    if (a.inputs === "roll") out[at++] = Number(!out.subarray(place, at).some(Boolean));
    if (a.controlled) out.set(step.subarray(0, tokens.size / 3), at);
  }
}

/** LSTM layers whose first states a code gives by a tanh layer: `Stack` of Python. */
class Stack {
  constructor(part, batch) {
    this.initial = part.linear("initial", batch);
    this.cells = layersOf(part, (k) => `layers.${k}.`, batch, ["l0"]).map(([cell]) => cell);
    this.inputs = this.cells[0].inputs;
    this.hidden = this.cells.at(-1).hidden;
  }

  begin(codes, batch) {
    beginLayers(this.cells, this.initial.of(codes, batch).map(Math.tanh), batch);
  }

  step(values, batch) {
    return stepLayers(this.cells, values, batch);
  }
}

/** Turns codes `(batch, width)` into those of their segments, row by row: `Conductor` of Python. */
function conducted(stack, length, codes, batch) {
  const { hidden } = stack, zeros = new Float32Array(batch);
  const found = new Float32Array(batch * length * hidden);
  stack.begin(codes, batch);
  for (let t = 0; t < length; t++) {
    const top = stack.step(zeros, batch);
    for (let b = 0; b < batch; b++) {
      found.set(top.subarray(b * hidden, (b + 1) * hidden), (b * length + t) * hidden);
    }
  }
  return found;
}

/** Writes one voice, or several together: `Core` and `Chain` of Python. */
class Core {
  constructor(part, a, voices, segments, length) {
    this.stack = new Stack(part, segments);
    this.tokens = tokensOf(a, voices, a.head === "softmax");
    this.output = outputOf(part.part("head."), a, voices, this.tokens, segments);
    this.segments = segments;
    this.length = length;
    this.kind = a.head === "groove" ? Float32Array : Int32Array;
  }

  /**
   * Write all segments of a window, each of which is given the last step of the one before it.
   *
   * They are written in parallel: the step before each is guessed, and segments whose guess was
   * wrong are written again until none is. A segment does not depend on the others in its batch, so
   * that the result is that of writing them in order. Yields after each step, so that other work can
   * run between.
   * @param codes codes of the segments `(segments, width)`
   * @param noise uniform numbers for the window's steps, `(steps, output.draws)`
   */
  *write(codes, temperature, noise) {
    const { segments, tokens, kind, length } = this, written = new Map(), latest = [];
    const guess = new kind(tokens.size), found = new kind(segments * length * tokens.size);
    let wanted = Array.from({ length: segments }, (_, segment) => ({ segment, before: segment ? guess : null }));
    const keyOf = ({ segment, before }) => `${segment} ${before}`;
    while (wanted.length) {
      const made = yield* this.rows(codes, wanted, temperature, noise);
      wanted.forEach((row, k) => {
        written.set(keyOf(row), made[k]);
        latest[row.segment] = made[k];
      });
      wanted = [];
      let before = null;
      for (let segment = 0; segment < segments; segment++) {
        const row = { segment, before }, own = written.get(keyOf(row));
        if (!own) wanted.push(row); // the segments after it depend on it
        found.set(own ?? latest[segment], segment * length * tokens.size);
        before = (own ?? latest[segment]).slice(-tokens.size);
      }
    }
    return found;
  }

  /** Write some segments, given the step `before` each. */
  *rows(codes, wanted, temperature, noise) {
    const { stack, tokens, output, length, kind } = this, { inputs } = stack;
    const batch = wanted.length, width = codes.length / this.segments, { size } = tokens;
    const own = new Float32Array(batch * width), values = new Float32Array(batch * inputs);
    wanted.forEach(({ segment }, b) => {
      const code = codes.subarray(segment * width, (segment + 1) * width);
      own.set(code, b * width);
      values.set(code, b * inputs + tokens.width); // the hits of controlled models follow: none
    });
    const made = wanted.map(() => new kind(length * size));
    stack.begin(own, batch);
    for (let t = 0; t < length; t++) {
      wanted.forEach(({ before }, b) => {
        values.fill(0, b * inputs, b * inputs + tokens.width);
        const steps = t ? made[b] : before;
        if (steps) tokens.write(steps, Math.max(t - 1, 0) * size, values, b * inputs);
      });
      const projected = output.project(stack.step(values, batch), batch);
      wanted.forEach(({ segment }, b) => {
        const at = (segment * length + t) * output.draws;
        const drawn = noise.subarray(at, at + output.draws);
        output.choose(projected, b, temperature, drawn, made[b], t * size);
      });
      yield;
    }
    return made;
  }
}

/** A model of Magenta's, with the methods of `SequenceModel`. */
export class MagentaModel {
  constructor(architecture, tensors, plain = false) {
    const a = architecture, part = new Part(new Arithmetic(plain), tensors, "");
    const voices = listed(a.classes), decoder = part.part("decoder.");
    const [length, ...above] = [...(a.levels?.length ? a.levels : [a.steps])].reverse();
    const read = tokensOf(a, voices, a.inputs === "classes");
    this.encoder = part.has("encoder.mean.weight") ? new Encoder(part.part("encoder."), a, read) : null;
    let segments = 1;
    this.conductors = above.reverse().map((length, k) => {
      const stack = new Stack(decoder.part(`conductors.${k}.`), segments);
      segments *= length;
      return { stack, length };
    });
    const apart = Array.isArray(a.classes) && !a.joint;
    this.cores = (apart ? voices.map((each) => [each]) : [voices]).map((own, k) =>
      new Core(decoder.part(`cores.${k}.`), a, own, segments, length));
    this.steps = a.steps;
    this.latent = a.latent_dim;
  }

  /** Return the posterior mean of a window; only where the page has the encoder. */
  encode(window) {
    return this.encoder.encode(window);
  }

  /**
   * Return the window of a code.
   * @param code `latent` numbers
   * @param temperature 0 takes the likeliest value of each step; above 0 they are drawn by the seed
   */
  decode(code, temperature = 0, seed = 0) {
    const steps = this.decoding(code, temperature, seed);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** As `decode`, as a generator that yields after each step. */
  *decoding(code, temperature = 0, seed = 0) {
    const random = generator(seed);
    let codes = Float32Array.from(code), rows = 1;
    for (const { stack, length } of this.conductors) {
      codes = conducted(stack, length, codes, rows);
      rows *= length;
    }
    const parts = [];
    for (const core of this.cores) {
      const noise = Float64Array.from({ length: this.steps * core.output.draws }, random);
      parts.push(yield* core.write(codes, temperature, noise));
    }
    if (parts.length === 1) return parts[0];
    const found = new Int32Array(this.steps * parts.length);
    parts.forEach((voice, k) => voice.forEach((token, t) => { found[t * parts.length + k] = token; }));
    return found;
  }
}
