// Requests to the server. It answers with JSON, or with an error of one line.

/** An error of the server; `missing` are the ids of files that it no longer keeps. */
export class Refusal extends Error {
  constructor(text, missing) {
    super(text);
    this.missing = missing ?? [];
  }
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { accept: "application/json", ...options.headers } });
  } catch {
    throw new Refusal("The studio's server does not answer. Start it again, and reload this page.");
  }
  const found = await response.json();
  if (!response.ok) throw new Refusal(found.error, found.missing);
  return found;
}

/** @param {string} path */
export function get(path) {
  return answer(path, {});
}

/** @param {string} path @param {any} value JSON */
export function post(path, value) {
  const headers = { "content-type": "application/json" };
  return answer(path, { method: "POST", headers, body: JSON.stringify(value) });
}

/** As `post`, with the answer as a file. @param {string} path @param {any} value JSON @returns {Promise<Blob>} */
export async function raw(path, value) {
  const headers = { accept: "application/octet-stream", "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(value) });
  if (!response.ok) throw new Refusal((await response.json()).error);
  return response.blob();
}

/**
 * @param {string} path
 * @param {Record<string, Piece[]>} files
 * @param {Record<string, any>} [fields] a list is sent as several values; null and "" are left out
 */
export function form(path, files, fields = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") body.append(name, String(each));
    }
  }
  for (const [name, pieces] of Object.entries(files)) {
    for (const piece of pieces) body.append(name, blob(piece), piece.name);
  }
  return answer(path, { method: "POST", body });
}

/**
 * A file that the page holds: a name, a media type, and its bytes as base64.
 * @typedef {{name: string, type: string, data: string}} Piece
 */

/** @param {Piece} piece */
export function blob(piece) {
  const bytes = Uint8Array.from(atob(piece.data), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: piece.type });
}

/** @param {File} file @returns {Promise<Piece>} */
export function piece(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, type: file.type, data: String(reader.result).replace(/^[^,]*,/, "") });
    reader.onerror = () => reject(new Refusal(`${file.name}: the browser cannot read it; choose it again`));
    reader.readAsDataURL(file);
  });
}
