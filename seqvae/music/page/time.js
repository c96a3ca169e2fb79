// Musical time: ticks, swing, and the parts of loops that are played one after another.

/** Ticks of a quarter note, in the page and in MIDI files. */
export const QUARTER = 480;

/**
 * The tick at which a note is played with swing, which delays the second note of each pair.
 * @param {number} tick
 * @param {number} swing share of the first note of a pair: 0.5 even, 0.667 a triplet feel
 * @param {number} grid the notes that swing: 16 or 8
 */
export function swung(tick, swing, grid) {
  if (swing === 0.5) return tick;
  const pair = (QUARTER * 8) / grid;
  const begin = Math.floor(tick / pair) * pair;
  const part = (tick - begin) / pair;
  const late = part < 0.5 ? part * 2 * swing : swing + (part - 0.5) * 2 * (1 - swing);
  return begin + late * pair;
}

/** The tempo of a music at a tick. @param {import("./roll.js").Music} music @param {number} tick */
export function tempoAt(music, tick) {
  let bpm = music.tempos[0][1];
  for (const [from, tempo] of music.tempos) if (from <= tick) bpm = tempo;
  return bpm;
}

/**
 * The part of each loop that is played on a path; each loop continues where the one before it ended.
 * @param {import("./roll.js").Music[]} musics
 * @param {number} unit ticks of each part; at most a whole loop
 * @returns {{music: import("./roll.js").Music, from: number, to: number}[]}
 */
export function pieces(musics, unit) {
  let place = 0;
  return musics.map((music) => {
    const from = unit >= music.length ? 0 : place % music.length;
    const to = Math.min(from + unit, music.length);
    place = to;
    return { music, from, to };
  });
}
