// Memory for weights and activations, and the matrix product that all layers use.

import { KERNEL } from "./kernel.js";

const PAGE = 65536;

/** Return a number rounded up to a multiple of four. */
export function padded(count) {
  return (count + 3) & ~3;
}

/** Return the bytes of a base64 text. */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

/**
 * A block of 32-bit floats, with products by WebAssembly's vector instructions; in browsers without
 * them, or if `plain` is set, by JavaScript, some eight times slower. Places are indices of floats.
 */
export class Arithmetic {
  constructor(plain = false) {
    this.used = 4;
    this.memory = new WebAssembly.Memory({ initial: 16 });
    this.floats = new Float32Array(this.memory.buffer);
    this.kernel = null;
    if (plain) return;
    try {
      const module = new WebAssembly.Module(bytesOf(KERNEL));
      const page = { page: { memory: this.memory } };
      this.kernel = new WebAssembly.Instance(module, page).exports.multiply;
    } catch {
      this.kernel = null;
    }
  }

  /** Return the place of `count` zeros, rounded up to a multiple of four. */
  reserve(count) {
    const place = this.used;
    this.used += padded(count);
    const missing = this.used * 4 - this.memory.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE));
      this.floats = new Float32Array(this.memory.buffer);
    }
    return place;
  }

  /** out[b][r] = bias[r] + sum over c of weight[r][c] * x[b][c]; sizes are multiples of four. */
  multiply(out, weight, x, bias, rows, columns, batch) {
    if (this.kernel) {
      this.kernel(out * 4, weight * 4, x * 4, bias * 4, rows, columns, batch);
      return;
    }
    const f = this.floats;
    for (let r = 0; r < rows; r++) {
      const w = weight + r * columns;
      for (let b = 0; b < batch; b++) {
        const from = x + b * columns;
        let even = 0, odd = 0;
        for (let c = 0; c < columns; c += 4) {
          even += f[w + c] * f[from + c] + f[w + c + 1] * f[from + c + 1];
          odd += f[w + c + 2] * f[from + c + 2] + f[w + c + 3] * f[from + c + 3];
        }
        f[out + b * rows + r] = f[bias + r] + even + odd;
      }
    }
  }
}

/**
 * A linear layer with one or several matrices, whose inputs are concatenated. Write the inputs of
 * row b at `input + b * columns`, call `run`, and read the outputs at `output + b * rows`.
 */
export class Linear {
  /**
   * @param arithmetic the block of floats
   * @param weights matrices `{shape: [rows, columns], values}` with equal numbers of rows
   * @param biases vectors `{values}`, which are summed; may be empty
   * @param batch largest number of rows of inputs
   */
  constructor(arithmetic, weights, biases, batch = 1) {
    this.arithmetic = arithmetic;
    this.outputs = weights[0].shape[0];
    this.rows = padded(this.outputs);
    this.inputs = weights.reduce((sum, each) => sum + each.shape[1], 0);
    this.columns = padded(this.inputs);
    this.weight = arithmetic.reserve(this.rows * this.columns);
    this.bias = arithmetic.reserve(this.rows);
    this.input = arithmetic.reserve(batch * this.columns);
    this.output = arithmetic.reserve(batch * this.rows);
    const f = arithmetic.floats;
    let begin = 0;
    for (const { shape: [rows, columns], values } of weights) {
      for (let r = 0; r < rows; r++) {
        const row = values.subarray(r * columns, (r + 1) * columns);
        f.set(row, this.weight + r * this.columns + begin);
      }
      begin += columns;
    }
    for (const { values } of biases) {
      for (let r = 0; r < this.outputs; r++) f[this.bias + r] += values[r];
    }
  }

  run(batch = 1) {
    const { output, weight, input, bias, rows, columns } = this;
    this.arithmetic.multiply(output, weight, input, bias, rows, columns, batch);
  }

  /** Return the outputs `(batch * outputs)` of inputs `(batch * inputs)` in a new array. */
  of(values, batch = 1) {
    const f = this.arithmetic.floats, { inputs, outputs, columns, rows } = this;
    for (let b = 0; b < batch; b++) {
      f.set(values.subarray(b * inputs, (b + 1) * inputs), this.input + b * columns);
    }
    this.run(batch);
    const found = new Float32Array(batch * outputs);
    for (let b = 0; b < batch; b++) {
      const from = this.output + b * rows;
      found.set(f.subarray(from, from + outputs), b * outputs);
    }
    return found;
  }
}
