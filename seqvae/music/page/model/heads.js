// Embeddings of steps, and output heads that choose steps.

/** Return uniform numbers in [0, 1), the same for the same seed (sfc32). */
export function generator(seed) {
  let a = 0x9e3779b9, b = 0x243f6a88, c = 0xb7e15162, d = seed | 0;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let k = 0; k < 20; k++) next();
  return next;
}

/** Return the class of the largest logit; above temperature 0 a draw by `noise`, in [0, 1). */
export function choose(logits, temperature, noise) {
  let best = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[best]) best = k;
  if (!(temperature > 0)) return best;
  const cumulative = new Float64Array(logits.length), most = logits[best];
  let total = 0;
  for (let k = 0; k < logits.length; k++) {
    total += Math.exp((logits[k] - most) / temperature);
    cumulative[k] = total;
  }
  const place = cumulative.findIndex((each) => each > noise * total);
  return place < 0 ? logits.length - 1 : place;
}

const logSigmoid = (x) => (x < 0 ? x - Math.log1p(Math.exp(x)) : -Math.log1p(Math.exp(-x)));

/** Return the log-probabilities of all sets of parts: `chain_logits` of Python. */
export function chain(projected, parts, bias) {
  let total = new Float64Array(1);
  for (let k = 0; k < parts; k++) {
    const next = new Float64Array(2 << k), first = (1 << k) - 1;
    for (let n = 0; n < 1 << k; n++) {
      const node = projected[k] + bias[first + n];
      next[n] = total[n] + logSigmoid(-node);
      next[n + (1 << k)] = total[n] + logSigmoid(node);
    }
    total = next;
  }
  return total;
}

/** Embedding of class indices, as rows of a table. */
export class TokenEmbedding {
  constructor(part) {
    const own = part.get("of_token"), of = part.get("of_feature"), features = part.get("features");
    [this.classes, this.width] = own.shape;
    this.table = own.values.slice();
    const count = of.shape[0];
    for (let token = 0; token < this.classes; token++) {
      for (let k = 0; k < count; k++) {
        if (!features.values[token * count + k]) continue;
        for (let i = 0; i < this.width; i++) {
          this.table[token * this.width + i] += of.values[k * this.width + i];
        }
      }
    }
  }

  /** Add the embedding of the step that begins at `at` to a vector. */
  add(steps, at, out, place) {
    const from = steps[at] * this.width;
    for (let i = 0; i < this.width; i++) out[place + i] += this.table[from + i];
  }
}

/** Embedding of performances: hits, velocities and offsets of drums. */
export class PerformanceEmbedding {
  constructor(part) {
    const weight = part.get("weight");
    this.drums = weight.shape[0] / 4;
    this.width = weight.shape[1];
    this.weight = weight.values;
    this.bias = part.get("bias").values;
  }

  add(steps, at, out, place) {
    const { drums, width, weight, bias } = this;
    for (let i = 0; i < width; i++) out[place + i] += bias[i];
    for (let k = 0; k < 4 * drums; k++) {
      const value = k < 3 * drums ? steps[at + k] : steps[at + k - 2 * drums] ** 2;
      if (!value) continue;
      for (let i = 0; i < width; i++) out[place + i] += value * weight[k * width + i];
    }
  }
}

/** Embedding of chords: the notes' pitches, 1 to 88, then their lengths; 0 for no note. */
export class ChordEmbedding {
  constructor(part) {
    [this.pitch, this.length, this.key, this.time, this.none] =
      ["pitch", "length", "key", "time", "none"].map((name) => part.get(name).values);
    this.width = this.none.length;
  }

  add(steps, at, out, place, size) {
    const { pitch, length, key, time, none, width } = this, notes = size / 2;
    if (!steps[at]) for (let i = 0; i < width; i++) out[place + i] += none[i];
    for (let k = 0; k < notes && steps[at + k]; k++) {
      const p = (steps[at + k] - 1) * width, l = (Math.max(steps[at + notes + k], 1) - 1) * width;
      for (let i = 0; i < width; i++) {
        out[place + i] += pitch[p + i] + length[l + i] + key[p + i] * time[l + i];
      }
    }
  }
}

/** A softmax over classes. */
export class SoftmaxHead {
  size = 1;

  constructor(part, batch) {
    this.projection = part.linear("projection", batch);
  }

  choose(projected, temperature, noise, out, at) {
    out[at] = choose(projected, temperature, noise[0]);
  }
}

/** Chooses the notes of a chord in rising pitch, each with its length: `NotesHead` of Python. */
export class NotesHead {
  constructor(part, batch, notes) {
    this.projection = part.linear("projection", batch);
    this.notes = notes;
    this.size = 2 * notes;
    [this.inner, this.pitch, this.length] = ["inner", "pitch", "length"].map((name) => part.linear(name));
    this.ofPitch = part.get("of_pitch").values;
    this.tables = ["so_far", "before"].map((name) =>
      ["pitch", "length"].map((each) => part.get(`${name}.${each}`).values));
  }

  choose(projected, temperature, noise, out, at) {
    const { notes, inner, pitch, length, ofPitch, tables } = this, width = inner.inputs;
    const sums = [Float32Array.from(projected.subarray(0, width)), Float32Array.from(projected.subarray(width))];
    out.fill(0, at, at + this.size);
    for (let k = 0, last = 0; k < notes; k++) {
      const rows = sums[0].map((value) => Math.max(value, 0));
      const more = inner.of(rows), logits = pitch.of(rows.map((value, i) => value + Math.max(more[i], 0)));
      logits.fill(-Infinity, 1, last + 1); // pitches rise; 0 ends the chord
      last = choose(logits, temperature, noise[k]);
      if (!last) break;
      const row = last * sums[1].length;
      const steps = choose(length.of(sums[1].map((value, i) => Math.max(value + ofPitch[row + i], 0))),
        temperature, noise[notes + k]) + 1;
      out[at + k] = last;
      out[at + notes + k] = steps;
      sums.forEach((sum, which) => {
        const [keys, lengths] = tables[which], size = sum.length;
        for (let i = 0; i < size; i++) sum[i] += keys[last * size + i] + lengths[steps * size + i];
      });
    }
  }
}

/** Chooses a set of parts, such as drums: `ChainHead` of Python. */
export class ChainHead {
  size = 1;

  constructor(part, batch) {
    this.projection = part.linear("projection", batch);
    this.bias = part.get("node_bias").values;
  }

  choose(projected, temperature, noise, out, at) {
    const logits = chain(projected, this.projection.outputs, this.bias);
    out[at] = choose(logits, temperature, noise[0]);
  }
}

const VELOCITIES = 32, OFFSETS = 39;

/** Chooses hits, then the velocity and the offset of each: `PerformanceHead` of Python. */
export class PerformanceHead {
  constructor(part, batch) {
    this.projection = part.linear("projection", batch);
    this.bias = part.get("node_bias").values;
    this.velocityOf = part.get("velocity_of").values;
    this.offsetOf = part.get("offset_of").values;
    this.drums = part.get("velocity_of").shape[0];
    this.size = 3 * this.drums;
  }

  choose(projected, temperature, noise, out, at) {
    const { drums, velocityOf, offsetOf } = this;
    const hits = choose(chain(projected, drums, this.bias), temperature, noise[0]);
    const struck = [];
    for (let k = 0; k < drums; k++) {
      out[at + k] = (hits >> k) & 1;
      out[at + drums + k] = out[at + 2 * drums + k] = 0;
      if (out[at + k]) struck.push(k);
    }
    const moved = (size, begin, drum, add) => {
      const logits = new Float64Array(size);
      for (let n = 0; n < size; n++) logits[n] = projected[begin + drum * size + n];
      for (let n = 0; n < size; n++) logits[n] += add(drum * size + n);
      return logits;
    };
    const sum = (weights, width, rows, n) =>
      rows.reduce((total, [row, value]) => total + value * weights[row * width + n], 0);
    const ones = struck.map((k) => [k, 1]);
    for (const k of struck) {
      const logits = moved(VELOCITIES, drums, k, (n) =>
        sum(velocityOf, drums * VELOCITIES, ones, n));
      out[at + drums + k] = quantile(logits, temperature, noise[drums + k]);
    }
    const both = [...ones, ...struck.map((k) => [drums + k, out[at + drums + k]])];
    for (const k of struck) {
      const logits = moved(OFFSETS, drums * (1 + VELOCITIES), k, (n) =>
        sum(offsetOf, drums * OFFSETS, both, n));
      out[at + 2 * drums + k] = 2 * quantile(logits, temperature, noise[2 * drums + k]) - 1;
    }
  }
}

/** Return a draw in 0..1 from a density that is constant on intervals; the median at temperature 0. */
function quantile(logits, temperature, noise) {
  const draws = temperature > 0, most = Math.max(...logits);
  const weights = logits.map((each) => Math.exp((each - most) / (draws ? temperature : 1)));
  const total = weights.reduce((sum, each) => sum + each, 0);
  const wanted = (draws ? noise : 0.5) * total;
  let below = 0;
  for (let k = 0; k < weights.length; k++) {
    if (below + weights[k] > wanted || k === weights.length - 1) {
      const part = Math.min(Math.max((wanted - below) / Math.max(weights[k], 1e-12), 0), 1);
      return (k + part) / weights.length;
    }
    below += weights[k];
  }
  return 1;
}
