// From a model's windows to music for players, rolls and files, with its dynamics.

const NO_EVENT = 0, FIRST_NOTE = 2;
const FURTHEST = 0.98; // largest offset of a hit, in half steps

/** Round halves to the even number, as NumPy and Python do. */
export function even(value) {
  const whole = Math.floor(value), rest = value - whole;
  if (rest !== 0.5) return Math.round(value);
  return whole % 2 ? whole + 1 : whole;
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);

/** The mean of the last velocity before a step and the first after it; 0 without any. */
function around(input, kinds, steps, step, kind) {
  let sum = 0, count = 0;
  for (const way of [-1, 1]) {
    for (let k = way < 0 ? step - 1 : step; k >= 0 && k < steps; k += way) {
      const velocity = input.velocity[k * kinds.all + kinds.first + kind];
      if (velocity) {
        sum += velocity;
        count++;
        break;
      }
    }
  }
  return count ? sum / count : 0;
}

/**
 * Return the velocity of each note, `(steps, count)`, as `seqvae.music.representations.dynamics`.
 * @param struck whether a note of each kind begins at each step
 * @param steps number of steps
 * @param inputs dynamics of each input, `{velocity, pitch, weight}`
 * @param kinds the kinds of notes among those of the inputs: `{all, first, count}`
 * @param usual for each kind the usual velocity at each step of a bar
 */
export function velocities(struck, steps, inputs, kinds, usual) {
  const { all, first, count } = kinds;
  const found = new Float64Array(steps * count);
  for (let step = 0; step < steps; step++) {
    for (let kind = 0; kind < count; kind++) {
      found[step * count + kind] = usual[kind][step % usual[kind].length];
    }
  }
  const heard = inputs.filter(({ velocity, weight }) => {
    for (let k = 0; weight > 0 && k < steps * all; k++) {
      if (k % all >= first && k % all < first + count && velocity[k]) return true;
    }
    return false;
  });
  if (heard.length) {
    const total = heard.reduce((sum, { weight }) => sum + weight, 0);
    let level = 0;
    for (const { velocity, weight } of heard) {
      let own = 0, normal = 0;
      for (let k = 0; k < steps * count; k++) {
        const value = velocity[Math.floor(k / count) * all + first + (k % count)];
        if (value) {
          own += value;
          normal += found[k];
        }
      }
      level += (weight / total) * (own / normal);
    }
    for (let k = 0; k < found.length; k++) found[k] *= level;
    for (let step = 0; step < steps; step++) {
      for (let kind = 0; kind < count; kind++) {
        const k = step * count + kind;
        let sum = 0, known = 0;
        for (const { velocity, weight } of heard) {
          const value = velocity[step * all + first + kind];
          if (value) {
            sum += weight * value;
            known += weight;
          }
        }
        if (!known && struck[k]) {
          for (const input of heard) {
            const near = around(input, kinds, steps, step, kind);
            if (near) {
              sum += input.weight * near;
              known += input.weight;
            }
          }
        }
        if (known) found[k] = sum / known;
      }
    }
  }
  return found.map((value) => within(even(value), 1, 127));
}

/** Return the MIDI pitch of each drum at each step: that of the nearest input, or the usual one. */
function sounds(steps, inputs, kinds, usual) {
  const { all, first, count } = kinds;
  const found = new Uint8Array(steps * count);
  for (let k = 0; k < found.length; k++) found[k] = usual[k % count];
  const ordered = [...inputs].filter(({ weight }) => weight > 0).sort((a, b) => a.weight - b.weight);
  for (const { pitch } of ordered) {
    for (let kind = 0; kind < count; kind++) {
      const times = new Map();
      for (let step = 0; step < steps; step++) {
        const own = pitch[step * all + first + kind];
        if (own) times.set(own, (times.get(own) ?? 0) + 1);
      }
      if (!times.size) continue;
      const most = [...times].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
      for (let step = 0; step < steps; step++) {
        found[step * count + kind] = pitch[step * all + first + kind] || most;
      }
    }
  }
  return found;
}

/** The notes of a performance, with its own velocities and times. */
function performed(window, steps, voice, inputs, kinds) {
  const drums = kinds.count, notes = [], last = new Map();
  const sound = sounds(steps, inputs, kinds, voice.pitches);
  for (let step = 0; step < steps; step++) {
    for (let drum = 0; drum < drums; drum++) {
      const at = step * 3 * drums + drum;
      if (!(window[at] > 0.5)) continue;
      const late = within(window[at + 2 * drums], -FURTHEST, FURTHEST) / -2;
      const start = Math.max(step + late, 0);
      const velocity = within(even(window[at + drums] * 127), 1, 127);
      const note = { start, end: start + 1, pitch: sound[step * drums + drum], velocity };
      if (last.has(drum)) last.get(drum).end = Math.min(last.get(drum).end, start);
      last.set(drum, note);
      notes.push(note);
    }
  }
  return notes;
}

/** The notes of drums (as classes, or one number for each) or of a melody, on the grid. */
function written(classes, steps, voice, inputs, kinds) {
  const { count } = kinds, struck = new Uint8Array(steps * count);
  for (let step = 0; step < steps; step++) {
    for (let kind = 0; kind < count; kind++) {
      const k = step * count + kind, token = classes[step];
      struck[k] = voice.apart ? classes[k] : voice.drum ? (token >> kind) & 1 : Number(token >= FIRST_NOTE);
    }
  }
  const loud = velocities(struck, steps, inputs, kinds, voice.usual), notes = [];
  const sound = voice.drum ? sounds(steps, inputs, kinds, voice.pitches) : null;
  for (let step = 0; step < steps; step++) {
    for (let kind = 0; kind < count; kind++) {
      const k = step * count + kind;
      if (!struck[k]) continue;
      let end = step + 1;
      while (!voice.drum && end < steps && classes[end] === NO_EVENT) end++;
      const pitch = voice.drum ? sound[k] : classes[step] - FIRST_NOTE + voice.lowest;
      notes.push({ start: step, end, pitch, velocity: loud[k] });
    }
  }
  return notes;
}

/** The notes of chords; each ends after its length, or where its key is struck again. */
function chords(window, steps, voice, inputs, kinds) {
  const size = window.length / steps, most = size / 2, struck = new Uint8Array(steps * kinds.count);
  const notes = [], last = new Map();
  for (let step = 0; step < steps; step++) {
    for (let k = 0; k < most && window[step * size + k]; k++) {
      const key = window[step * size + k] - 1, lasts = Math.min(window[step * size + most + k], voice.longest);
      const kind = Math.min(Math.floor(key / voice.keys), kinds.count - 1);
      if (last.has(key)) last.get(key).end = Math.min(last.get(key).end, step);
      const note = { start: step, end: Math.min(step + lasts, steps), pitch: key + voice.lowest, at: step * kinds.count + kind };
      struck[note.at] = 1;
      last.set(key, note);
      notes.push(note);
    }
  }
  const loud = velocities(struck, steps, inputs, kinds, voice.usual);
  return notes.map((note) => ({ ...note, velocity: loud[note.at] }));
}

/**
 * Return a window as `Music`.
 * @param window from the model
 * @param form `{steps, ticks, meter, voices, performed}`, from the page's data
 * @param inputs the inputs of the blend: `{velocity, pitch, tempo, programs, weight}`
 */
export function musicOf(window, form, inputs) {
  const { steps, ticks, voices } = form, length = ticks * steps, notes = [];
  const all = voices.reduce((sum, { kinds }) => sum + kinds, 0);
  let first = 0;
  voices.forEach((voice, v) => {
    const kinds = { all, first, count: voice.kinds };
    first += voice.kinds;
    const own = voices.length > 1 ? window.filter((_, k) => k % voices.length === v) : window;
    const write = form.performed ? performed : voice.keys ? chords : written;
    const found = write(own, steps, voice, inputs, kinds);
    for (const note of found) {
      const begin = even(note.start * ticks), stop = Math.min(even(note.end * ticks), length);
      if (begin < length) notes.push(v, begin, Math.max(stop - begin, 1), note.pitch, note.velocity);
    }
  });
  const total = inputs.reduce((sum, { weight }) => sum + weight, 0);
  const tempo = inputs.reduce((sum, each) => sum + (each.weight / total) * each.tempo, 0);
  const main = inputs.reduce((best, each) => (each.weight > best.weight ? each : best));
  return { length, notes, tempos: [[0, tempo]], programs: main.programs, meter: form.meter };
}
