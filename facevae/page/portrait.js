// A plane of faces and one portrait: the face follows the point, also along a path.

import { download, h, onTheme, sharp } from "vaecore/page/dom.js";
import { Field, mixture, weights } from "vaecore/page/field.js";

const one = (id) => document.getElementById(id);
/** Seconds after which the face is nearly that of the point. */
const CATCH_UP = 0.09;
/** Seconds from one end of the plane to the other, on a path. */
const CROSSING = 3;

/**
 * Make the plane, the portrait, and the buttons that all pages of faces have.
 * @param {Object} options
 * @param {boolean} [options.row] whether the plane is a line
 * @param {() => string[]} options.names of the corners
 * @param {(context: CanvasRenderingContext2D, x: number, y: number, size: number) => void} options.faceAt
 *   draws the face at a point
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} options.paint
 *   draws the plane
 * @returns {{field: Field, go: () => void, again: () => void, words: (x: number, y: number) => string}}
 */
export function portrait({ row = false, names, faceAt, paint }) {
  const words = (x, y) => mixture(names(), weights(x, y, row ? 2 : names().length));

  // The face follows the point
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let shown = null;
  let frame = 0;
  let before = 0;

  function draw([x, y]) {
    shown = [x, y];
    const [context, width] = sharp(one("face"));
    faceAt(context, x, y, width);
  }

  function follow(now) {
    // The time of a frame may be a little before that of the event that requested it.
    const seconds = Math.min(0.05, Math.max(0, (now - before) / 1000));
    before = now;
    if (walk) step(seconds);
    const target = field.point;
    const part = still.matches ? 1 : 1 - Math.exp((-3 * seconds) / CATCH_UP);
    const next = shown.map((value, k) => value + (target[k] - value) * part);
    const there = Math.hypot(next[0] - target[0], next[1] - target[1]) < 0.0005;
    draw(there ? target : next);
    frame = there && !walk ? 0 : requestAnimationFrame(follow);
  }

  function tell() {
    one("words").textContent = words(...field.point);
    one("face").setAttribute("aria-label", `The face: ${words(...field.point)}`);
  }

  function go() {
    tell();
    if (frame) return;
    before = performance.now();
    frame = requestAnimationFrame(follow);
  }

  const field = new Field(one("field"), {
    x: 0.5,
    y: row ? 0 : 0.5,
    label: `Faces between ${names().join(", ")}. Arrow keys move.`,
    describe: words,
    paint,
    onmove: () => {
      if (!stepping) stop();
      go();
    },
    onpath(path, finished) {
      play.disabled = clear.disabled = path.length < 2;
      if (finished && path.length > 1) start();
    },
  });

  // A path, there and back

  let walk = null;
  let stepping = false;

  function step(seconds) {
    walk.at += (seconds / CROSSING) * walk.direction;
    if (walk.at >= walk.length || walk.at <= 0) {
      walk.direction *= -1;
      walk.at = Math.min(Math.max(walk.at, 0), walk.length);
    }
    let rest = walk.at;
    for (let k = 1; k < field.path.length; k++) {
      const [a, b] = [field.path[k - 1], field.path[k]];
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
      if (rest <= length || k === field.path.length - 1) {
        const part = Math.min(1, rest / (length || 1));
        stepping = true;
        field.move(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, true);
        stepping = false;
        return;
      }
      rest -= length;
    }
  }

  function start() {
    const length = field.path.slice(1).reduce((sum, point, k) =>
      sum + Math.hypot(point[0] - field.path[k][0], point[1] - field.path[k][1]), 0);
    walk = { at: 0, direction: 1, length };
    play.textContent = "Stop";
    setDrawing(false);
    go();
  }

  function stop() {
    walk = null;
    play.textContent = "Play the path";
  }

  function setDrawing(on) {
    if (on) stop();
    field.drawing = on;
    paths.setAttribute("aria-pressed", String(on));
    field.element.classList.toggle("drawing", on);
    one("status").textContent = on ? "Draw on the field, or walk with the arrow keys." : "";
  }

  const button = (text, onclick, more = {}) => h("button", { type: "button", class: "button", onclick, ...more }, text);
  const paths = button("Draw a path", () => {
    setDrawing(!field.drawing);
    field.element.focus({ preventScroll: true });
  }, { "aria-pressed": "false" });
  const play = button("Play the path", () => (walk ? stop() : start()), { disabled: true });
  const clear = button("Clear", () => {
    stop();
    field.clearPath();
    paths.focus();
  }, { disabled: true });
  const save = button("Save picture", () => {
    const picture = h("canvas", { width: 512, height: 512 });
    faceAt(picture.getContext("2d"), ...field.point, 512);
    picture.toBlob((blob) => download(`${names().join("-")}.png`.replace(/[\\/:*?"<>|\s]+/g, "_"), blob));
  });
  one("controls").append(paths, play, clear, save);

  new ResizeObserver(() => draw(shown ?? field.point)).observe(one("face"));
  onTheme(() => field.repaint());
  draw(field.point);
  go();

  /** Draw the face again, after a change that did not move the point. */
  const again = () => {
    tell();
    draw(shown ?? field.point);
  };
  return { field, go, again, words };
}
