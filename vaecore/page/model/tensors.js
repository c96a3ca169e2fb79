// Reads safetensors: a JSON header with names, types, shapes and offsets, then the values.

/** Return the value of a 16-bit float. */
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}

function halves(view, begin, end) {
  const found = new Float32Array((end - begin) / 2);
  for (let k = 0; k < found.length; k++) found[k] = half(view.getUint16(begin + 2 * k, true));
  return found;
}

/**
 * Return the tensors of a file by name, `{shape, values}`, in 32-bit floats. A matrix in 8 bits is
 * multiplied by the scale of each of its rows; see `vaecore.eight_bit`.
 */
export function readTensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  const found = new Map();
  for (const [name, { dtype, shape, data_offsets: [begin, end] }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const from = 8 + size + begin, to = 8 + size + end;
    let values;
    if (dtype === "F16") values = halves(view, from, to);
    else if (dtype === "F32") values = new Float32Array(bytes.slice(from, to).buffer);
    else if (dtype === "I8") values = new Float32Array(new Int8Array(bytes.buffer, bytes.byteOffset + from, to - from));
    else throw new Error(`tensor ${name} has the unknown type ${dtype}`);
    found.set(name, { shape, values });
  }
  for (const [name, { values }] of found) {
    const scale = found.get(`${name}.scale`);
    if (!scale) continue;
    const columns = values.length / scale.values.length;
    scale.values.forEach((by, row) => {
      for (let k = row * columns; k < (row + 1) * columns; k++) values[k] *= by;
    });
    found.delete(`${name}.scale`);
  }
  return found;
}
