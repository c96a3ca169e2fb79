// Runs a network that `vaecore.page.recorded` recorded, operation by operation.

import { Arithmetic, Linear } from "./arithmetic.js";

const product = (values) => values.reduce((a, b) => a * b, 1);
/** Pixels that are multiplied together: as many as fit the processor's cache. */
const TOGETHER = 32;

/** Return the strides of a shape as for `dims` dimensions; 0 along dimensions of 1 (broadcasting). */
function strides(shape, dims) {
  const found = new Array(dims).fill(0);
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    found[dims - shape.length + k] = shape[k] === 1 ? 0 : step;
    step *= shape[k];
  }
  return found;
}

/** Call `visit` with the index of every element of a shape, and its indices by two sets of strides. */
function each(shape, first, second, visit) {
  const dims = shape.length, index = new Array(dims).fill(0), total = product(shape);
  const last = shape[dims - 1] ?? 1, a = first[dims - 1] ?? 0, b = second[dims - 1] ?? 0;
  let p = 0, q = 0;
  for (let k = 0; k < total; k += last) {
    for (let n = 0; n < last; n++) visit(k + n, p + n * a, q + n * b);
    for (let d = dims - 2; d >= 0; d--) {
      p += first[d];
      q += second[d];
      if (++index[d] < shape[d]) break;
      p -= first[d] * shape[d];
      q -= second[d] * shape[d];
      index[d] = 0;
    }
  }
}

/** Pixels `(channels, height, width)` as `(height, width, channels)` with zero padding. */
function framed(x, [, channels, height, width], padding) {
  const wide = width + 2 * padding, found = new Float32Array(wide * (height + 2 * padding) * channels);
  for (let c = 0, k = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      let to = ((y + padding) * wide + padding) * channels + c;
      for (let n = 0; n < width; n++, k++, to += channels) found[to] = x[k];
    }
  }
  return found;
}

/** A convolution's weights as a matrix; `turned` for `(inputs, outputs, ...)` of a transposed one. */
function unrolled({ shape: [first, second, side], values }, turned) {
  const [outputs, inputs] = turned ? [second, first] : [first, second], area = side * side;
  const found = new Float32Array(values.length);
  for (let o = 0, k = 0; o < first; o++) {
    for (let i = 0; i < second; i++) {
      for (let p = 0; p < area; p++, k++) {
        const place = turned ? (p * outputs + i) * inputs + o : (o * area + p) * inputs + i;
        found[place] = values[k];
      }
    }
  }
  return { shape: turned ? [area * outputs, inputs] : [outputs, area * inputs], values: found };
}

function linear(step, { arithmetic, tensor }, [from]) {
  const weight = tensor(step.weight), batch = product(from) / weight.shape[1];
  const layer = new Linear(arithmetic, [weight], step.bias ? [tensor(step.bias)] : [], batch);
  return (x) => layer.of(x, batch);
}

function convolve(step, { arithmetic, tensor }, [from]) {
  const weight = tensor(step.weight), side = weight.shape[2], { stride, padding } = step;
  const [, channels, , width] = from, [, outputs, high, wide] = step.shape;
  const pixels = high * wide, most = Math.min(TOGETHER, pixels), across = width + 2 * padding;
  const layer = new Linear(arithmetic, [unrolled(weight)], step.bias ? [tensor(step.bias)] : [], most);
  const run = side * channels;
  return (x) => {
    const pixelsIn = framed(x, from, padding), found = new Float32Array(outputs * pixels);
    const f = arithmetic.floats;
    for (let begin = 0; begin < pixels; begin += most) {
      const count = Math.min(most, pixels - begin);
      for (let n = 0; n < count; n++) {
        const y = Math.floor((begin + n) / wide) * stride, left = ((begin + n) % wide) * stride;
        for (let row = 0; row < side; row++) {
          const at = ((y + row) * across + left) * channels, to = layer.input + n * layer.columns + row * run;
          f.set(pixelsIn.subarray(at, at + run), to);
        }
      }
      layer.run(count);
      for (let n = 0; n < count; n++) {
        const at = layer.output + n * layer.rows;
        for (let o = 0, to = begin + n; o < outputs; o++, to += pixels) found[to] = f[at + o];
      }
    }
    return found;
  };
}

function deconvolve(step, { arithmetic, tensor }, [from]) {
  const weight = tensor(step.weight), side = weight.shape[2], { stride, padding } = step;
  const [, , height, width] = from, [, outputs, high, wide] = step.shape, pixels = height * width;
  const layer = new Linear(arithmetic, [unrolled(weight, true)], [], pixels);
  const bias = step.bias ? tensor(step.bias).values : null;
  return (x) => {
    const parts = layer.of(framed(x, from, 0), pixels), found = new Float32Array(outputs * high * wide);
    if (bias) for (let o = 0; o < outputs; o++) found.fill(bias[o], o * high * wide, (o + 1) * high * wide);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const top = Math.floor(pixel / width) * stride - padding, left = (pixel % width) * stride - padding;
      for (let p = 0; p < side * side; p++) {
        const y = top + Math.floor(p / side), across = left + (p % side);
        if (y < 0 || y >= high || across < 0 || across >= wide) continue;
        const at = (pixel * side * side + p) * outputs;
        for (let o = 0, to = y * wide + across; o < outputs; o++, to += high * wide) found[to] += parts[at + o];
      }
    }
    return found;
  };
}

function scale(step, { tensor }, [from]) {
  const by = tensor(step.by).values, shift = tensor(step.shift).values;
  const inner = product(from.slice(step.dim + 1)), count = from[step.dim];
  return (x) => x.map((value, k) => {
    const c = Math.floor(k / inner) % count;
    return value * by[c] + shift[c];
  });
}

function normalise(step, { tensor }, [from]) {
  const weight = tensor(step.weight).values, bias = tensor(step.bias).values, count = from.at(-1);
  return (x) => {
    const found = new Float32Array(x.length);
    for (let at = 0; at < x.length; at += count) {
      let mean = 0, variance = 0;
      for (let k = 0; k < count; k++) mean += x[at + k];
      mean /= count;
      for (let k = 0; k < count; k++) variance += (x[at + k] - mean) ** 2;
      const by = 1 / Math.sqrt(variance / count + step.eps);
      for (let k = 0; k < count; k++) found[at + k] = (x[at + k] - mean) * by * weight[k] + bias[k];
    }
    return found;
  };
}

/** An operation on two values, or on a value and a constant or a number, with broadcasting. */
function both(apply) {
  return (step, { tensor }, shapes) => {
    const { shape, number } = step, dims = shape.length;
    if (number !== undefined) return (x) => x.map((value) => apply(value, number));
    const constant = step.constant ? tensor(step.constant).values : null;
    const other = constant ? step.sides : shapes[1];
    const [p, q] = [strides(shapes[0], dims), strides(other, dims)];
    return (x, y = constant) => {
      const found = new Float32Array(product(shape));
      each(shape, p, q, (k, a, b) => { found[k] = apply(x[a], y[b]); });
      return found;
    };
  };
}

function permute(step, _, [from]) {
  const own = strides(from, from.length), turned = step.order.map((k) => own[k]);
  return (x) => {
    const found = new Float32Array(x.length);
    each(step.shape, turned, turned, (k, a) => { found[k] = x[a]; });
    return found;
  };
}

function slice(step, _, [from]) {
  const inner = product(from.slice(step.dim + 1)), size = step.shape[step.dim] * inner, all = from[step.dim] * inner;
  return (x) => {
    const found = new Float32Array(product(step.shape));
    for (let row = 0; row * size < found.length; row++) {
      const at = row * all + step.begin * inner;
      found.set(x.subarray(at, at + size), row * size);
    }
    return found;
  };
}

function join(step, _, shapes) {
  const sizes = shapes.map((shape) => product(shape.slice(step.dim)));
  return (...parts) => {
    const found = new Float32Array(product(step.shape));
    for (let to = 0, row = 0; to < found.length; row++) {
      for (const [k, part] of parts.entries()) {
        found.set(part.subarray(row * sizes[k], (row + 1) * sizes[k]), to);
        to += sizes[k];
      }
    }
    return found;
  };
}

const OPERATIONS = {
  linear, convolve, deconvolve, scale, normalise, permute, slice, join,
  add: both((a, b) => a + b),
  multiply: both((a, b) => a * b),
  leaky: ({ slope }) => (x) => x.map((value) => (value < 0 ? value * slope : value)),
  view: () => (x) => x,
};

export class Recorded {
  /**
   * @param {{steps: Object[], result: number, latent: number}} recording
   * @param {Map<string, {shape: number[], values: Float32Array}>} tensors from `readTensors`
   * @param {boolean} [plain] whether to do without vector instructions
   */
  constructor({ steps, result, latent }, tensors, plain = false) {
    const means = { arithmetic: new Arithmetic(plain), tensor: (name) => tensors.get(name) };
    const shapes = [[1, latent]];
    this.steps = steps.map((step) => {
      const run = OPERATIONS[step.op](step, means, step.inputs.map((k) => shapes[k]));
      shapes.push(step.shape);
      return { run, inputs: step.inputs };
    });
    this.result = result;
    this.shape = shapes[result];
    // For each value the last step that reads it, after which it is freed.
    this.last = shapes.map((_, k) => steps.reduce((last, { inputs }, n) => (inputs.includes(k) ? n : last), -1));
  }

  /** Return the network's output for a code, flattened. @param {Float32Array} code */
  decode(code) {
    const values = [Float32Array.from(code)];
    this.steps.forEach(({ run, inputs }, n) => {
      values.push(run(...inputs.map((k) => values[k])));
      for (const k of inputs) if (this.last[k] === n && k !== this.result) values[k] = null;
    });
    return values[this.result];
  }
}
