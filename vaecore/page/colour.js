// Colours of tints: `a` and `b` of OKLab, which `vaecore.page.tints` computes by similarity.

/**
 * The colour of a tint at a lightness, as CSS.
 * @param {number[]} tint a and b of OKLab; 0 for grey
 * @param {number} lightness from 0 (black) to 1 (white)
 * @param {number} [alpha]
 */
export function colour([a, b], lightness, alpha = 1) {
  // OKLab to linear sRGB (Ottosson 2020), then sRGB's transfer curve; canvases of older browsers do
  // not have oklab().
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const [red, green, blue] = linear.map((value) => {
    const v = Math.min(1, Math.max(0, value));
    return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  });
  return alpha === 1 ? `rgb(${red} ${green} ${blue})` : `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/** The weighted mean of tints. @param {number[][]} tints @param {number[]} weights which add up to 1 */
export function mixed(tints, weights) {
  return [0, 1].map((k) => tints.reduce((sum, tint, i) => sum + weights[i] * tint[k], 0));
}
