// The model of a page: seqvae's own networks, or Magenta's.

import { MagentaModel } from "./magenta.js";
import { SequenceModel } from "./network.js";

/**
 * Return a model.
 * @param architecture from its `config.json`
 * @param tensors from `readTensors`
 * @param plain without vector instructions
 */
export function modelOf(architecture, tensors, plain = false) {
  const kind = architecture.network === "magenta" ? MagentaModel : SequenceModel;
  return new kind(architecture, tensors, plain);
}
