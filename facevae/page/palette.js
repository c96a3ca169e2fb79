// The palette of faces: a plane on which the face follows the point.

import { data, h } from "vaecore/page/dom.js";
import { portrait } from "./portrait.js";

const page = data();
const { columns, rows, side, names } = page;
/** Most faces in a row of the plane. */
const SHOWN = 7;

const sheet = new Image();
sheet.src = page.sheet;
await sheet.decode();

const small = () => {
  const canvas = h("canvas", { width: side, height: side });
  return canvas.getContext("2d");
};
const [upper, lower] = [small(), small()];

/**
 * Draw the face at a point, as a mean of the four nearest faces, which are nearly alike.
 * @param {CanvasRenderingContext2D} context
 */
function faceAt(context, x, y, size) {
  const across = x * (columns - 1);
  const down = y * (rows - 1);
  const column = Math.min(Math.floor(across), Math.max(columns - 2, 0));
  const row = Math.min(Math.floor(down), Math.max(rows - 2, 0));
  const line = (into, r) => {
    for (const [c, part] of [[column, 1], [Math.min(column + 1, columns - 1), across - column]]) {
      into.globalAlpha = part;
      into.drawImage(sheet, c * side, r * side, side, side, 0, 0, side, side);
    }
  };
  line(upper, row);
  line(lower, Math.min(row + 1, rows - 1));
  upper.globalAlpha = down - row;
  upper.drawImage(lower.canvas, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(upper.canvas, 0, 0, size, size);
}

function paint(context, width, height) {
  // Whole rows of faces; a face is cut above and below if the plane is flat.
  const across = Math.min(SHOWN, columns);
  const size = width / across;
  const down = rows > 1 ? Math.max(1, Math.round(height / size)) : 1;
  const tall = height / down;
  const crop = Math.min(1, tall / size);
  context.imageSmoothingQuality = "high";
  for (let r = 0; r < down; r++) {
    for (let c = 0; c < across; c++) {
      const column = Math.round(((columns - 1) * c) / Math.max(across - 1, 1));
      const row = Math.round(((rows - 1) * r) / Math.max(down - 1, 1));
      const cut = (side * (1 - crop)) / 2;
      context.drawImage(sheet, column * side, row * side + cut, side, side * crop,
        c * size, r * tall, size + 0.5, Math.max(tall, size * crop) + 0.5);
    }
  }
}

const { field, words } = portrait({ row: rows === 1, names: () => names, faceAt, paint });
document.body.dataset.ready = "";

// For tests, and for the browser's console.
globalThis.facevae = { field, faceAt, words };
