// The drums of General MIDI: what they are called, and which of nine kinds they are.

/** The nine kinds as Python's DRUM_CLASSES has them, from bottom to top of a roll. */
const KINDS = [
  ["kick", [36, 35]],
  ["snare", [38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85]],
  ["hats", [42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22]],
  ["hats", [46, 67, 72, 74, 79, 81, 26]],
  ["toms", [45, 29, 41, 43, 61, 64, 84]],
  ["toms", [48, 47, 60, 63, 77, 86, 87]],
  ["toms", [50, 30, 62, 76, 83]],
  ["cymbals", [49, 52, 55, 57, 58]],
  ["cymbals", [51, 53, 59, 82]],
];

const FROM = 35;
const NAMES = [
  "Kick 2", "Kick", "Side stick", "Snare", "Clap", "Snare 2", "Floor tom", "Hat", "Floor tom 2",
  "Pedal hat", "Low tom", "Open hat", "Mid tom 2", "Mid tom", "Crash", "High tom", "Ride", "China",
  "Ride bell", "Tambourine", "Splash", "Cowbell", "Crash 2", "Vibraslap", "Ride 2", "Bongo", "Low bongo",
  "Mute conga", "Conga", "Low conga", "Timbale", "Low timbale", "Agogo", "Low agogo", "Cabasa",
  "Maracas", "Whistle", "Long whistle", "Guiro", "Long guiro", "Claves", "Woodblock", "Low block",
  "Mute cuica", "Cuica", "Mute triangle", "Triangle",
];

/** The name of a drum, in a word or two. @param {number} pitch */
export function drumName(pitch) {
  return NAMES[pitch - FROM] ?? `Drum ${pitch}`;
}

/** The place of a drum in a roll, from the bottom. @param {number} pitch */
export function drumOrder(pitch) {
  const kind = KINDS.findIndex(([, pitches]) => pitches.includes(pitch));
  return kind < 0 ? 1000 + pitch : 100 * kind + KINDS[kind][1].indexOf(pitch);
}

/** The drums that come next to one that is not in a kit: the first of its kind. */
export function drumLike(pitch) {
  return KINDS.find(([, pitches]) => pitches.includes(pitch))?.[1][0] ?? 42;
}

/** kick, snare, hats, toms or cymbals. @param {number} pitch */
export function drumFamily(pitch) {
  return KINDS.find(([, pitches]) => pitches.includes(pitch))?.[0] ?? "snare";
}

/** All families, from the bottom. */
export const DRUM_FAMILIES = [...new Set(KINDS.map(([name]) => name))];
