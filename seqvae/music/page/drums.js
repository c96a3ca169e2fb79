// The drums of General MIDI: their names, and their nine classes.

/** The nine classes of Python's DRUM_CLASSES, from bottom to top of a roll: family and pitches. */
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

/** The name of a drum. @param {number} pitch */
export function drumName(pitch) {
  return NAMES[pitch - FROM] ?? `Drum ${pitch}`;
}

/** A number that orders drums in a roll from the bottom. @param {number} pitch */
export function drumOrder(pitch) {
  const kind = KINDS.findIndex(([, pitches]) => pitches.includes(pitch));
  return kind < 0 ? 1000 + pitch : 100 * kind + KINDS[kind][1].indexOf(pitch);
}

/** A drum in place of one that a kit does not have: the first of its class. @param {number} pitch */
export function drumLike(pitch) {
  return KINDS.find(([, pitches]) => pitches.includes(pitch))?.[1][0] ?? 42;
}

/** The family of a drum: kick, snare, hats, toms or cymbals. @param {number} pitch */
export function drumFamily(pitch) {
  return KINDS.find(([, pitches]) => pitches.includes(pitch))?.[0] ?? "snare";
}

/** All families, from the bottom. */
export const DRUM_FAMILIES = [...new Set(KINDS.map(([name]) => name))];
