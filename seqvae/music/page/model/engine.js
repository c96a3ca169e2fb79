// Runs a page's model: in the page itself if it is quick, else in a worker.

import { bytesOf } from "vaecore/page/model/arithmetic.js";
import { readTensors } from "vaecore/page/model/tensors.js";
import { modelOf } from "./model.js";

/** The model in the page, which computes at once. */
class Here {
  constructor({ architecture, weights }) {
    this.model = modelOf(architecture, readTensors(bytesOf(weights)));
  }

  async encode(window) {
    return this.model.encode(window);
  }

  async decode(code, temperature = 0, seed = 0) {
    return this.model.decode(code, temperature, seed);
  }

  drop() {}
}

/** The model in a worker. */
class Apart {
  constructor({ architecture, weights, worker }, onerror) {
    this.asked = new Map();
    this.last = 0;
    this.worker = new Worker(URL.createObjectURL(new Blob([worker], { type: "text/javascript" })));
    this.worker.onerror = (event) => onerror(event.message);
    this.worker.onmessage = ({ data: { id, value } }) => {
      this.asked.get(id)(value);
      this.asked.delete(id);
    };
    this.worker.postMessage({ architecture, weights });
  }

  ask(task) {
    const id = ++this.last;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.worker.postMessage({ id, ...task });
    });
  }

  /** Return the code of a window. */
  encode(window) {
    return this.ask({ window });
  }

  /** Return the window of a code, or null if it was dropped. */
  decode(code, temperature = 0, seed = 0) {
    return this.ask({ code, temperature, seed });
  }

  /** Cancel all that is being decoded. */
  drop() {
    for (const id of this.asked.keys()) this.worker.postMessage({ drop: id });
  }
}

/**
 * Return the model of a page.
 * @param page its data; with a script in `worker`, the model runs in a worker
 * @param onerror called with the message of an error in the worker
 */
export function engineOf(page, onerror) {
  return page.worker ? new Apart(page, onerror) : new Here(page);
}
