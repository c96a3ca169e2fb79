// Decodes and encodes in a worker, so that the page stays responsive with a large model.

import { bytesOf } from "vaecore/page/model/arithmetic.js";
import { readTensors } from "vaecore/page/model/tensors.js";
import { MagentaModel } from "./magenta.js";

/** Milliseconds of decoding between two looks for messages, such as a cancellation. */
const SLICE = 25;

const tasks = [];
const dropped = new Set();
const channel = new MessageChannel();
let model = null;
let running = false;

/** Let messages in: unlike timers, messages to oneself have no least delay. */
function listen() {
  return new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}

/** Return the window of a task's code; null if it was cancelled. */
async function decoded({ id, code, temperature, seed }) {
  const steps = model.decoding(code, temperature, seed);
  for (;;) {
    await listen();
    if (dropped.delete(id)) return null;
    const begin = performance.now();
    while (performance.now() - begin < SLICE) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }
}

async function run() {
  running = true;
  while (tasks.length) {
    const task = tasks.shift();
    const value = task.window ? model.encode(task.window) : await decoded(task);
    postMessage({ id: task.id, value });
  }
  running = false;
}

addEventListener("message", ({ data }) => {
  if (data.weights) {
    model = new MagentaModel(data.architecture, readTensors(bytesOf(data.weights)));
    return;
  }
  if (data.drop) dropped.add(data.drop);
  else tasks.push(data);
  if (!running) run();
});
