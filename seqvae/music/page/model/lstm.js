// The LSTM layers of `seqvae.sequences.lstm`, and the networks that are built of them.

import { Linear } from "vaecore/page/model/arithmetic.js";

export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** The tensors of a network whose names have a prefix. */
export class Part {
  constructor(arithmetic, tensors, prefix) {
    this.arithmetic = arithmetic;
    this.tensors = tensors;
    this.prefix = prefix;
  }

  has(name) {
    return this.tensors.has(this.prefix + name);
  }

  get(name) {
    const found = this.tensors.get(this.prefix + name);
    if (!found) throw new Error(`the model has no tensor ${this.prefix}${name}`);
    return found;
  }

  part(prefix) {
    return new Part(this.arithmetic, this.tensors, this.prefix + prefix);
  }

  linear(name, batch = 1) {
    const biases = this.has(`${name}.bias`) ? [this.get(`${name}.bias`)] : [];
    return new Linear(this.arithmetic, [this.get(`${name}.weight`)], biases, batch);
  }
}

/** One step of one layer in one direction; its states are `(batch, hidden)`. */
export class Cell {
  constructor(part, suffix, batch) {
    const weights = [part.get(`weight_ih_${suffix}`), part.get(`weight_hh_${suffix}`)];
    const biases = [part.get(`bias_ih_${suffix}`), part.get(`bias_hh_${suffix}`)];
    this.arithmetic = part.arithmetic;
    this.gates = new Linear(part.arithmetic, weights, biases, batch);
    this.inputs = weights[0].shape[1];
    this.hidden = weights[1].shape[1];
    this.h = new Float32Array(batch * this.hidden);
    this.c = new Float32Array(batch * this.hidden);
  }

  /** Set the states; by default to zeros. */
  begin(h = null, c = null) {
    if (h) this.h.set(h);
    else this.h.fill(0);
    if (c) this.c.set(c);
    else this.c.fill(0);
  }

  /** Compute the next states for the inputs `(batch, inputs)` from `at` on. */
  step(values, at, batch) {
    const { gates, inputs, hidden, h, c } = this, f = this.arithmetic.floats;
    for (let b = 0; b < batch; b++) {
      const row = gates.input + b * gates.columns, from = at + b * inputs;
      f.set(values.subarray(from, from + inputs), row);
      f.set(h.subarray(b * hidden, (b + 1) * hidden), row + inputs);
    }
    gates.run(batch);
    for (let b = 0; b < batch; b++) {
      const out = gates.output + b * gates.rows; // input, forget, candidate, output
      for (let k = 0, state = b * hidden; k < hidden; k++, state++) {
        const kept = sigmoid(f[out + hidden + k]) * c[state];
        c[state] = kept + sigmoid(f[out + k]) * Math.tanh(f[out + 2 * hidden + k]);
        h[state] = sigmoid(f[out + 3 * hidden + k]) * Math.tanh(c[state]);
      }
    }
  }
}

/**
 * Return the outputs `(steps, batch, 2 * hidden)` of the last of several bidirectional layers.
 * @param layers pairs of `Cell`
 * @param vectors `(steps, batch, inputs)`
 */
export function readBothWays(layers, vectors, steps, batch) {
  let below = vectors;
  for (const directions of layers) {
    const { inputs, hidden } = directions[0];
    const outputs = new Float32Array(steps * batch * 2 * hidden);
    directions.forEach((cell, direction) => {
      cell.begin();
      for (let n = 0; n < steps; n++) {
        const t = direction ? steps - 1 - n : n;
        cell.step(below, t * batch * inputs, batch);
        for (let b = 0; b < batch; b++) {
          const state = cell.h.subarray(b * hidden, (b + 1) * hidden);
          outputs.set(state, ((t * batch + b) * 2 + direction) * hidden);
        }
      }
    });
    below = outputs;
  }
  return below;
}

/** Set the first states of layers. A row has the cell and the hidden state of each, lowest first. */
export function beginLayers(cells, states, batch) {
  const width = cells.reduce((sum, { hidden }) => sum + 2 * hidden, 0);
  let begin = 0;
  for (const cell of cells) {
    const part = () => {
      const found = new Float32Array(batch * cell.hidden);
      for (let b = 0; b < batch; b++) {
        const from = b * width + begin;
        found.set(states.subarray(from, from + cell.hidden), b * cell.hidden);
      }
      begin += cell.hidden;
      return found;
    };
    const c = part();
    cell.begin(part(), c);
  }
}

/** Return the top's hidden states after a step of all layers with inputs `(batch, inputs)`. */
export function stepLayers(cells, values, batch) {
  let below = values;
  for (const cell of cells) {
    cell.step(below, 0, batch);
    below = cell.h;
  }
  return below;
}

/** Summarises vectors in one vector: `encoder.Reader` of Python. */
export class Reader {
  constructor(part, batch) {
    const position = part.get("position");
    this.position = position.values;
    [this.steps, , this.inputs] = position.shape;
    this.batch = batch;
    this.layers = [];
    for (let layer = 0; part.has(`lstm.weight_ih_l${layer}`); layer++) {
      const suffixes = [`l${layer}`, `l${layer}_reverse`];
      this.layers.push(suffixes.map((suffix) => new Cell(part.part("lstm."), suffix, batch)));
    }
    this.hidden = this.layers[0][0].hidden;
    this.summary = part.has("summary.weight") ? part.linear("summary", batch) : null;
    this.width = this.summary ? this.steps * this.summary.outputs : 2 * this.hidden;
  }

  /** Return `(batch, width)` for vectors `(steps, batch, inputs)`, which are changed. */
  read(vectors, batch = this.batch) {
    const { steps, inputs } = this;
    for (let t = 0, k = 0; t < steps; t++) {
      for (let b = 0; b < batch; b++) {
        for (let i = 0; i < inputs; i++, k++) vectors[k] += this.position[t * inputs + i];
      }
    }
    const below = readBothWays(this.layers, vectors, steps, batch);
    return this.summarised(below, vectors, batch);
  }

  summarised(outputs, vectors, batch) {
    const { steps, inputs, hidden, width, summary } = this;
    const found = new Float32Array(batch * width);
    for (let b = 0; b < batch; b++) {
      const at = (t) => (t * batch + b) * 2 * hidden;
      if (!summary) { // the last state of each direction
        found.set(outputs.subarray(at(steps - 1), at(steps - 1) + hidden), b * width);
        found.set(outputs.subarray(at(0) + hidden, at(0) + 2 * hidden), b * width + hidden);
        continue;
      }
      const both = new Float32Array(2 * hidden + inputs);
      for (let t = 0; t < steps; t++) {
        const from = (t * batch + b) * inputs;
        both.set(outputs.subarray(at(t), at(t) + 2 * hidden));
        both.set(vectors.subarray(from, from + inputs), 2 * hidden);
        found.set(summary.of(both), b * width + t * summary.outputs);
      }
    }
    return found;
  }
}

/** An LSTM that is conditioned on a code: `decoder.ConditionedLSTM` of Python. */
export class Conditioned {
  constructor(part, batch) {
    const position = part.get("position");
    this.position = position.values;
    [this.steps, , this.inputs] = position.shape;
    this.initial = part.linear("initial", batch);
    this.plan = part.linear("plan.0", batch);
    this.ahead = part.has("plan.2.weight") ? part.linear("plan.2") : null;
    this.cells = [];
    for (let layer = 0; part.has(`lstm.weight_ih_l${layer}`); layer++) {
      this.cells.push(new Cell(part.part("lstm."), `l${layer}`, batch));
    }
    this.hidden = this.cells[0].hidden;
    this.width = this.hidden + this.inputs;
  }

  /** Set the initial states of codes `(batch, code)`. */
  begin(codes, batch) {
    beginLayers(this.cells, this.initial.of(codes, batch).map(Math.tanh), batch);
  }

  /** Return the inputs that depend on codes alone, `(steps, batch, inputs)`. */
  guide(codes, batch) {
    const { steps, inputs, position, ahead } = this, plan = this.plan.of(codes, batch);
    const found = new Float32Array(steps * batch * inputs);
    const size = ahead ? ahead.inputs : inputs;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < steps; t++) {
        const from = ahead ? (b * steps + t) * size : b * size;
        const own = plan.subarray(from, from + size), out = (t * batch + b) * inputs;
        const vector = ahead ? ahead.of(own) : own;
        for (let i = 0; i < inputs; i++) found[out + i] = vector[i] + position[t * inputs + i];
      }
    }
    return found;
  }

  /** Return the outputs, concatenated with the guide, `(batch, steps, width)`. */
  outputs(codes, batch) {
    const { steps, inputs, hidden, width } = this, guide = this.guide(codes, batch);
    this.begin(codes, batch);
    const found = new Float32Array(batch * steps * width);
    for (let t = 0; t < steps; t++) {
      const own = guide.subarray(t * batch * inputs, (t + 1) * batch * inputs);
      const top = stepLayers(this.cells, own, batch);
      for (let b = 0; b < batch; b++) {
        const out = (b * steps + t) * width;
        found.set(top.subarray(b * hidden, (b + 1) * hidden), out);
        found.set(own.subarray(b * inputs, (b + 1) * inputs), out + hidden);
      }
    }
    return found;
  }
}
