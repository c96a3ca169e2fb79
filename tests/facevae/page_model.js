// Reads a recorded decoder and codes from the standard input, and writes what they are decoded to.

import { bytesOf } from "vaecore/page/model/arithmetic.js";
import { Recorded } from "vaecore/page/model/recorded.js";
import { readTensors } from "vaecore/page/model/tensors.js";

const { decoder, codes, plain } = JSON.parse(fs.readFileSync(0, "utf8"));
const model = new Recorded(decoder, readTensors(bytesOf(decoder.weights)), plain);
const begin = process.cpuUsage();
const found = codes.map((code) => [...model.decode(Float32Array.from(code))]);
const { user } = process.cpuUsage(begin);
process.stdout.write(JSON.stringify({ found, milliseconds: user / 1000 / codes.length }));
