// The studio of faces: the face at the point, and faces all over the plane.

import { download, h, icon, sharp } from "vaecore/page/dom.js";
import { studio } from "vaecore/studio/web/app.js";

const SAVE = "M11 4h2v8.2l3-3 1.4 1.4L12 16l-5.400-5.400L8 9.200l3 3zM5 18h14v2H5z";

/** Faces by their address, loaded once. @type {Map<string, HTMLImageElement>} */
const loaded = new Map();

/** A picture that can be drawn. @param {string} address */
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
  const onto = async (target, address) => {
    const image = await load(address);
    const [context, width, height] = sharp(target);
    draw(context, image, { x: 0, y: 0, width, height });
  };
  return {
    async show(shown, title) {
      const mine = ++latest;
      words.textContent = title;
      const image = await load(shown);
      if (mine !== latest) return;
      const [context, width, height] = sharp(canvas);
      draw(context, image, { x: 0, y: 0, width, height });
    },
    thumb: (target, shown) => onto(target, shown),
    ready: (shown) => load(shown),
    cell(context, shown, box) {
      const image = loaded.get(shown);
      if (image?.complete) draw(context, image, { x: box.x + 2, y: box.y + 2, width: box.width - 4, height: box.height - 4 });
    },
    close: () => host.classList.remove("picture"),
  };
}

studio({ picture });
