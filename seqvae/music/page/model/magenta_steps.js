// Inputs and output heads of Magenta's networks: `tokens.py` and `heads.py` of `seqvae.music.magenta`.

import { choose } from "./heads.js";
import { sigmoid } from "./lstm.js";

const OPEN_HAT = 3, CLOSED_HAT = 2;

/** Class indices as one-hot vectors, which are concatenated for several voices. */
class Classes {
  constructor(classes) {
    this.classes = classes;
    this.size = classes.length;
    this.width = classes.reduce((a, b) => a + b, 0);
  }

  /** Write the inputs of the step that begins at `at` over zeros. */
  write(steps, at, out, place) {
    this.classes.forEach((classes, voice) => {
      out[place + steps[at + voice]] = 1;
      place += classes;
    });
  }
}

/** Class indices that are sets, as one bit for each member. */
class Bits {
  size = 1;

  constructor(width) {
    this.width = width;
  }

  write(steps, at, out, place) {
    for (let k = 0; k < this.width; k++) out[place + k] = (steps[at] >> k) & 1;
  }
}

/** Steps that are numbers already. */
class Numbers {
  constructor(width) {
    this.size = this.width = width;
  }

  write(steps, at, out, place) {
    out.set(steps.subarray(at, at + this.size), place);
  }
}

/**
 * Return the tokens by which a network reads steps.
 * @param a the architecture
 * @param classes number of classes of each voice
 * @param oneHot whether class indices of sets are read as one-hot vectors
 */
export function tokensOf(a, classes, oneHot) {
  if (a.head === "groove") return new Numbers(3 * classes[0]);
  if (a.tokens === "drum_pitches") return new Numbers(classes[0]);
  return oneHot ? new Classes(classes) : new Bits(32 - Math.clz32(classes[0] - 1));
}

/** Return the part of a performance's step that the encoder reads: `MagentaEncoder.inputs`. */
export function shownOf(step, hides) {
  const drums = step.length / 3, found = Float32Array.from(step);
  for (let k = 0; k < 2 * drums; k++) found[drums + k] *= step[k % drums];
  if (hides === "feel") return found.fill(0, drums);
  if (hides === "velocities") return found.fill(0, drums, 2 * drums);
  if (hides === "closed hi-hat") for (let block = 0; block < 3; block++) found[block * drums + CLOSED_HAT] = 0;
  if (hides !== "tapped") return found;
  let loudest = 0;
  for (let k = 1; k < drums; k++) {
    if (found[k] + found[drums + k] > found[loudest] + found[drums + loudest]) loudest = k;
  }
  const taps = new Float32Array(step.length);
  taps[OPEN_HAT] = Math.max(...found.subarray(0, drums));
  taps[2 * drums + OPEN_HAT] = found[2 * drums + loudest];
  return taps;
}

/** Return 0 or 1 for a logit; at temperature 0 the likelier one. */
function bernoulli(logit, temperature, noise) {
  return Number(temperature > 0 ? noise < sigmoid(logit / temperature) : logit >= 0);
}

/** A softmax over the classes of each voice. */
class Softmax {
  constructor(part, classes, batch) {
    const names = classes.length > 1 ? classes.map((_, k) => `${k}.projection`) : ["projection"];
    this.projections = names.map((name) => part.linear(name, batch));
    this.draws = classes.length;
  }

  /** Return the logits for hidden states `(batch, hidden)`. */
  project(top, batch) {
    return this.projections.map((each) => each.of(top, batch));
  }

  /** Write the step of a row; `noise` has `draws` uniform numbers. */
  choose(projected, row, temperature, noise, out, at) {
    projected.forEach((logits, voice) => {
      const { outputs } = this.projections[voice];
      const own = logits.subarray(row * outputs, (row + 1) * outputs);
      out[at + voice] = choose(own, temperature, noise[voice]);
    });
  }
}

/** Chooses the drums of a set one after the other: `NadeHead` of Python. */
class Nade {
  constructor(part, tokens, batch) {
    this.projection = part.linear("projection", batch);
    const encoding = part.get("encoding");
    [this.draws, this.hidden] = encoding.shape;
    this.encoding = encoding.values;
    this.decoding = part.get("decoding").values;
    this.mask = tokens instanceof Bits;
  }

  project(top, batch) {
    return this.projection.of(top, batch);
  }

  choose(projected, row, temperature, noise, out, at) {
    const { hidden, draws, encoding, decoding, mask } = this, begin = row * (hidden + draws);
    const seen = projected.slice(begin, begin + hidden);
    let set = 0;
    for (let drum = 0; drum < draws; drum++) {
      let logit = projected[begin + hidden + drum];
      for (let k = 0; k < hidden; k++) logit += sigmoid(seen[k]) * decoding[drum * hidden + k];
      const hit = bernoulli(logit, temperature, noise[drum]);
      if (hit) for (let k = 0; k < hidden; k++) seen[k] += encoding[drum * hidden + k];
      if (mask) set |= hit << drum;
      else out[at + drum] = hit;
    }
    if (mask) out[at] = set;
  }
}

/** Chooses hits independently, with a velocity and an offset of each drum: `GrooveHead` of Python. */
class Groove {
  constructor(part, drums, batch) {
    this.projection = part.linear("projection", batch);
    this.draws = drums;
  }

  project(top, batch) {
    return this.projection.of(top, batch);
  }

  choose(projected, row, temperature, noise, out, at) {
    const { draws } = this, begin = row * 3 * draws;
    for (let k = 0; k < draws; k++) {
      out[at + k] = bernoulli(projected[begin + k], temperature, noise[k]);
      out[at + draws + k] = sigmoid(projected[begin + draws + k]);
      out[at + 2 * draws + k] = Math.tanh(projected[begin + 2 * draws + k]);
    }
  }
}

/** Return the output head of a decoder of some voices. */
export function outputOf(part, a, classes, tokens, batch) {
  if (a.head === "nade") return new Nade(part, tokens, batch);
  if (a.head === "groove") return new Groove(part, classes[0], batch);
  return new Softmax(part, classes, batch);
}
