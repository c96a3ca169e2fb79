// What the page's model makes of codes, windows and files; a test runs it in node, bundled.

import { bytesOf } from "vaecore/page/model/arithmetic.js";
import { choose, generator } from "seqvae/music/page/model/heads.js";
import { modelOf } from "seqvae/music/page/model/model.js";
import { bilinear, edited } from "vaecore/page/model/plane.js";
import { musicOf } from "seqvae/music/page/model/play.js";
import { readWindow } from "seqvae/music/page/model/reading.js";
import { readTensors } from "vaecore/page/model/tensors.js";

const { data, tasks } = JSON.parse(fs.readFileSync(0, "utf8"));
const tensors = () => readTensors(bytesOf(data.weights));
const model = modelOf(data.architecture, tensors());
const kind = data.form.performed ? Float32Array : Int32Array;
const codeOf = (corner) => model.encode(kind.from(corner.window));

const answers = {
  decode: (codes) => codes.map((code) => [...model.decode(code)]),
  plain(codes) {
    const other = modelOf(data.architecture, tensors(), true);
    return codes.map((code) => [...other.decode(code)]);
  },
  encode: (windows) => windows.map((window) => [...codeOf({ window })]),
  draw: ({ code, temperature, count }) =>
    Array.from({ length: count }, (_, seed) => [...model.decode(code, temperature, seed)]),
  choose({ logits, temperature, count }) {
    const random = generator(5);
    return Array.from({ length: count }, () => choose(logits, temperature, random()));
  },
  read: (files) => files.map((file) => {
    try {
      const { window, velocity, pitch, tempo, programs } = readWindow(fs.readFileSync(file), data.reading);
      return { window: [...window], velocity: [...velocity], pitch: [...pitch], tempo, programs };
    } catch (error) {
      return { problem: error.message };
    }
  }),
  blend: (weights) => weights.map((row) => {
    const parts = data.corners.map((corner, n) => ({ ...corner, weight: row[n] }));
    return musicOf(kind.from(data.corners[0].window), data.form, parts);
  }),
  plane: (places) => places.map(([x, y]) => [...bilinear(data.corners.map(codeOf), x, y)]),
  edit({ code, amounts }) {
    const vectors = data.attributes.map(({ vector }) => Float32Array.from(vector));
    return [...edited(Float32Array.from(code), vectors, amounts)];
  },
  cpu(codes) {
    for (const code of codes) model.decode(code);
    const begin = process.cpuUsage();
    for (const code of codes) model.decode(code);
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000 / codes.length;
  },
};

const made = Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, answers[name](task)]));
process.stdout.write(JSON.stringify(made));
