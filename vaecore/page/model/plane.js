// Codes between codes, and codes with attributes added: `vaecore.paths` and `vaecore.attributes`.

const SMALLEST_SINE = 1e-4;
const norm = (v) => Math.sqrt(v.reduce((sum, each) => sum + each * each, 0));

/** The point at t, from 0 to 1, on the arc from a to b; for (nearly) parallel codes on the line. */
export function slerp(a, b, t) {
  if (t === 0) return a;
  if (t === 1) return b;
  const [p, q] = [norm(a), norm(b)];
  let line = p < 1e-12 || q < 1e-12, angle = 0;
  if (!line) {
    let apart = 0, together = 0;
    for (let k = 0; k < a.length; k++) {
      apart += (a[k] / p - b[k] / q) ** 2;
      together += (a[k] / p + b[k] / q) ** 2;
    }
    angle = 2 * Math.atan2(Math.sqrt(apart), Math.sqrt(together));
    line = Math.sin(angle) < SMALLEST_SINE;
  }
  const first = line ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
  const second = line ? t : Math.sin(t * angle) / Math.sin(angle);
  return a.map((value, k) => first * value + second * b[k]);
}

/** The code at a place between four: the edges first, then the row between them. */
export function bilinear([a, b, c, d], x, y) {
  return slerp(slerp(a, c, y), slerp(b, d, y), x);
}

/** A code with attributes added, shortened where draws of N(0, I) are not as long. */
export function edited(code, vectors, amounts) {
  if (!amounts.some(Boolean)) return code;
  const found = Float32Array.from(code, (value, k) =>
    vectors.reduce((sum, vector, n) => sum + amounts[n] * vector[k], value));
  const longest = Math.max(norm(code), Math.sqrt(code.length) + 1), length = norm(found);
  return length > longest ? found.map((value) => (value * longest) / length) : found;
}

/** How much of a vector adds an amount of its attribute to a code: `step_length` of Python. */
export function stepLength(code, vector, amount, about) {
  if (amount >= 0 || !about) return amount;
  const product = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const place = product(code, vector) / product(vector, vector);
  let length = about.less ?? 1;
  if (place < (about.middle ?? -Infinity)) {
    length = Math.min(length, Math.max(place - (about.least ?? -Infinity), 0));
  }
  return amount * length;
}
