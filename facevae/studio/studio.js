// The studio of faces: the face at the point, and a face in each cell of the plane.

import { SAVE, download, h, icon, sharp } from "vaecore/page/dom.js";
import { studio } from "vaecore/studio/web/app.js";

/** Images of faces by their `data:` address. @type {Map<string, HTMLImageElement>} */
const loaded = new Map();

/** The decoded image of an address. @param {string} address */
async function load(address) {
  if (!loaded.has(address)) {
    if (loaded.size > 400) loaded.delete(loaded.keys().next().value);
    const image = new Image();
    image.src = address;
    loaded.set(address, image);
  }
  const image = loaded.get(address);
  await image.decode();
  return image;
}

/** The view of faces; see `View` of session.js. */
function picture(host, about, app) {
  const canvas = h("canvas", { class: "face", role: "img", "aria-label": "Face" });
  const words = h("p", { class: "now" });
  const save = h("button", { type: "button", class: "button", onclick: async () => {
    const file = await app.fileOf();
    download(file.name, app.blob(file));
  } }, icon(SAVE), "PNG file");
  host.classList.add("picture");
  host.append(canvas, h("div", { class: "main" }, words, save));
  let latest = 0;
  const draw = (context, image, box) => {
    const side = Math.min(box.width, box.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side);
  };
  const fill = (target, image) => {
    const [context, width, height] = sharp(target);
    draw(context, image, { x: 0, y: 0, width, height });
  };
  return {
    async show(shown, title) {
      const mine = ++latest;
      words.textContent = title;
      const image = await load(shown);
      if (mine === latest) fill(canvas, image);
    },
    thumb: async (target, shown) => fill(target, await load(shown)),
    ready: load,
    cell(context, shown, box) {
      const image = loaded.get(shown);
      if (image?.complete) draw(context, image, { x: box.x + 2, y: box.y + 2, width: box.width - 4, height: box.height - 4 });
    },
    close: () => host.classList.remove("picture"),
  };
}

studio({ picture });
