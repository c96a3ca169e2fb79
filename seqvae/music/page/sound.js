// A synthesiser in Web Audio: a drum kit, ten families of instruments, reverberation and a limiter.
//
// Drums are computed once as samples, so that a hit starts exactly in time and takes no time to
// compute. All other instruments are oscillators, in families by General MIDI's programs.

import { drumLike } from "./drums.js";

const TAU = 2 * Math.PI;

/** Random numbers in [-1, 1) from a seed. */
function noise(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** Partials of struck metal, in Hertz: those of the TR-808's hats, moved apart a little. */
const METAL = [205.3, 304.4, 369.6, 522.7, 540.0, 800.6, 1182.0, 1493.0];

/** The drums by pitch: length in seconds, level of the loudest sample, and the signal at t seconds. */
const KIT = {
  36: { // kick: a sine that falls, a click, driven a little
    seconds: 0.5,
    level: 1.0,
    make(rate) {
      let phase = 0;
      const hiss = noise(3);
      return (t) => {
        phase += (TAU * (47 + 120 * Math.exp(-t * 34) + 230 * Math.exp(-t * 190))) / rate;
        const body = Math.sin(phase) * Math.exp(-t * 7.5);
        return Math.tanh(1.9 * body + 0.35 * hiss() * Math.exp(-t * 420)) * 0.9;
      };
    },
  },
  38: { // snare: two modes of the skin and the wires
    seconds: 0.32,
    level: 0.68,
    make(rate) {
      const hiss = noise(7);
      const low = highpass(rate, 900);
      return (t) => {
        const skin = Math.sin(TAU * (188 * t - 1.1 * Math.exp(-t * 40))) * Math.exp(-t * 24) +
          0.6 * Math.sin(TAU * 331 * t) * Math.exp(-t * 32);
        const wires = low(hiss()) * (0.75 * Math.exp(-t * 17) + 0.5 * Math.exp(-t * 90));
        return Math.tanh(1.25 * (0.62 * skin + 0.85 * wires));
      };
    },
  },
  42: { seconds: 0.11, level: 0.42, make: (rate) => metal(rate, 52, 7200, 11) },
  46: { seconds: 0.55, level: 0.34, make: (rate) => metal(rate, 8.5, 6400, 13) },
  49: { seconds: 1.9, level: 0.42, make: (rate) => metal(rate, 2.3, 3400, 17, 1) },
  51: { seconds: 1.1, level: 0.3, make: (rate) => ride(rate) },
  45: { seconds: 0.6, level: 0.75, make: (rate) => tom(rate, 98) },
  48: { seconds: 0.52, level: 0.72, make: (rate) => tom(rate, 138) },
  37: { // side stick: wood
    seconds: 0.09,
    level: 0.55,
    make(rate) {
      const hiss = noise(23);
      return (t) => Math.tanh(1.6 * (Math.sin(TAU * 1710 * t) + 0.7 * Math.sin(TAU * 817 * t)) * Math.exp(-t * 75) + 0.4 * hiss() * Math.exp(-t * 500));
    },
  },
  39: { // clap: some hands, nearly together
    seconds: 0.35,
    level: 0.8,
    make(rate) {
      const hiss = noise(29);
      const [low, high] = [highpass(rate, 700), highpass(rate, 500)];
      return (t) => {
        const hands = [0, 0.011, 0.022].reduce((sum, at) => sum + (t >= at ? Math.exp(-(t - at) * 220) : 0), 0);
        return high(low(hiss())) * (hands + (t > 0.03 ? 0.55 * Math.exp(-(t - 0.03) * 17) : 0)) * 1.1;
      };
    },
  },
  54: { seconds: 0.28, level: 0.3, make: (rate) => metal(rate, 19, 6800, 31) },
  56: { // cowbell: two square tones
    seconds: 0.4,
    level: 0.26,
    make: (rate) => {
      const low = highpass(rate, 300);
      return (t) => low(Math.sign(Math.sin(TAU * 541 * t)) + Math.sign(Math.sin(TAU * 803 * t))) * (0.4 * Math.exp(-t * 11) + 0.3 * Math.exp(-t * 70));
    },
  },
  75: { seconds: 0.12, level: 0.5, make: () => (t) => Math.sin(TAU * 2480 * t) * Math.exp(-t * 48) },
  50: { seconds: 0.45, level: 0.7, make: (rate) => tom(rate, 186) },
};
const PLACES = { 37: -0.15, 39: 0.1, 54: -0.3, 56: -0.3, 75: 0.3, 42: 0.22, 46: 0.22, 49: -0.4, 51: 0.45, 45: 0.38, 48: 0.08, 50: -0.25 };

function highpass(rate, hertz) {
  const keep = Math.exp((-TAU * hertz) / rate);
  let [before, out] = [0, 0];
  return (value) => {
    out = keep * (out + value - before);
    before = value;
    return out;
  };
}

function metal(rate, decay, hertz, seed, wash = 0) {
  const hiss = noise(seed);
  const first = highpass(rate, hertz);
  const second = highpass(rate, hertz);
  return (t) => {
    let sum = 0;
    for (const partial of METAL) sum += Math.sign(Math.sin(TAU * partial * 2.31 * t));
    const stroke = Math.exp(-t * decay) + 0.7 * Math.exp(-t * 160);
    const mixed = sum * 0.11 + hiss() * (0.55 + 0.35 * wash);
    return second(first(mixed)) * stroke * 1.6;
  };
}

function ride(rate) {
  const hiss = noise(19);
  const high = highpass(rate, 5200);
  return (t) => {
    let bell = 0;
    for (const [k, hertz] of [2466, 3217, 4019, 5283, 6841].entries()) {
      bell += Math.sin(TAU * hertz * t + k) * Math.exp(-t * (3.2 + k));
    }
    const wash = high(hiss()) * (0.5 * Math.exp(-t * 4) + 0.9 * Math.exp(-t * 90));
    return 0.26 * bell + 0.8 * wash;
  };
}

function tom(rate, hertz) {
  let phase = 0;
  const hiss = noise(hertz);
  return (t) => {
    phase += (TAU * hertz * (1 + 0.55 * Math.exp(-t * 22))) / rate;
    const skin = Math.sin(phase) * Math.exp(-t * 6.5) + 0.25 * Math.sin(1.59 * phase) * Math.exp(-t * 14);
    return Math.tanh(1.4 * skin + 0.3 * hiss() * Math.exp(-t * 160));
  };
}

/**
 * The sound of each family of instruments.
 *
 * waves: [waveform, detune in cents, octave, level]; attack, decay (to the level `sustain`) and
 * release: time constants in seconds; filter: [lowest, highest cutoff in multiples of the pitch,
 * time constant]; vibrato: depth in cents.
 */
const FAMILIES = {
  piano: { waves: [["piano", 0, 0, 0.8], ["piano", 4, 0, 0.35]], attack: 0.002, decay: 0.55, sustain: 0.12, release: 0.09, filter: [2.5, 9, 0.35] },
  mallet: { waves: [["sine", 0, 0, 0.8], ["sine", 0, 2, 0.22]], attack: 0.001, decay: 0.35, sustain: 0, release: 0.12 },
  organ: { waves: [["organ", 0, 0, 0.5], ["organ", 5, 0, 0.3]], attack: 0.006, decay: 1, sustain: 1, release: 0.03 },
  guitar: { waves: [["pluck", 0, 0, 0.8], ["pluck", 6, 0, 0.3]], attack: 0.001, decay: 0.3, sustain: 0.1, release: 0.06, filter: [1.6, 9, 0.16] },
  bass: { waves: [["bass", 0, 0, 0.95], ["triangle", 0, -1, 0.16]], attack: 0.003, decay: 0.5, sustain: 0.45, release: 0.045, filter: [2.6, 10, 0.13] },
  strings: { waves: [["sawtooth", -7, 0, 0.3], ["sawtooth", 7, 0, 0.3]], attack: 0.055, decay: 1, sustain: 0.9, release: 0.16, filter: [3.2, 4.2, 0.5], vibrato: 4 },
  brass: { waves: [["sawtooth", -3, 0, 0.34], ["sawtooth", 4, 0, 0.3]], attack: 0.018, decay: 0.5, sustain: 0.75, release: 0.07, filter: [1.8, 5.5, 0.18], vibrato: 3 },
  reed: { waves: [["reed", 0, 0, 0.62]], attack: 0.014, decay: 1, sustain: 0.85, release: 0.06, vibrato: 5 },
  pipe: { waves: [["triangle", 0, 0, 0.62], ["sine", 2, 1, 0.1]], attack: 0.022, decay: 1, sustain: 0.9, release: 0.08, vibrato: 7 },
  lead: { waves: [["sawtooth", -6, 0, 0.3], ["sawtooth", 6, 0, 0.3], ["square", 0, -1, 0.1]], attack: 0.004, decay: 0.4, sustain: 0.6, release: 0.08, filter: [2.2, 6.5, 0.22], vibrato: 5 },
};
const BY_EIGHT = ["piano", "mallet", "organ", "guitar", "bass", "strings", "strings", "brass", "reed", "pipe", "lead", "lead", "mallet", "guitar", "mallet", "lead"];
/** Amplitudes of the partials of waveforms that browsers do not have. */
const PARTIALS = {
  piano: [1, 0.52, 0.3, 0.22, 0.1, 0.09, 0.05, 0.03, 0.03, 0.02],
  organ: [1, 0.7, 0.55, 0.4, 0, 0.22, 0, 0.16],
  pluck: [1, 0.7, 0.5, 0.42, 0.3, 0.24, 0.18, 0.14, 0.1, 0.08, 0.06, 0.05],
  bass: [1, 0.62, 0.4, 0.2, 0.14, 0.1, 0.06, 0.04],
  reed: [1, 0.06, 0.55, 0.07, 0.34, 0.06, 0.2, 0.05, 0.12, 0.03, 0.07],
};

export class Sound {
  /**
   * @param {BaseAudioContext} context
   * @param {import("./roll.js").Voice[]} voices
   */
  constructor(context, voices) {
    this.context = context;
    this.samples = new Map();
    this.waves = new Map();
    // A soft limiter by a waveshaper: unlike a compressor it adds no delay.
    const ceiling = context.createWaveShaper();
    ceiling.curve = Float32Array.from({ length: 4097 }, (_, k) => {
      const x = k / 2048 - 1;
      const size = Math.abs(x * 2);
      return Math.sign(x) * (size < 0.7 ? size : 0.7 + 0.3 * Math.tanh((size - 0.7) / 0.3));
    });
    const into = new GainNode(context, { gain: 0.5 }); // the curve is for -2 .. 2
    this.master = new GainNode(context, { gain: 0.8 });
    this.master.connect(into).connect(ceiling).connect(context.destination);
    const room = new ConvolverNode(context, { buffer: this.#room() });
    this.send = new GainNode(context, { gain: 1 });
    this.send.connect(room).connect(this.master);
    this.voices = voices.map(({ drum }) => {
      const out = new GainNode(context);
      out.connect(this.master);
      const wet = new GainNode(context, { gain: drum ? 0.1 : 0.2 });
      out.connect(wet).connect(this.send);
      return out;
    });
    this.open = null;
    // Computed now: while a beat plays it would take too long.
    if (voices.some(({ drum }) => drum)) for (const pitch of Object.keys(KIT)) this.#sample(Number(pitch));
  }

  /** Set the volume. @param {number} value 0..1 */
  volume(value) {
    // The square is nearer to perceived loudness.
    this.master.gain.setTargetAtTime(value * value, this.context.currentTime, 0.02);
  }

  /**
   * Play a note.
   * @param {{voice: number, drum: boolean, program: number, pitch: number, velocity: number, time: number}} note
   * @returns {{stop: (time: number) => void}}
   */
  play(note) {
    return note.drum ? this.#hit(note) : this.#tone(note);
  }

  #hit({ voice, pitch, velocity, time }) {
    const drum = KIT[pitch] ? pitch : drumLike(pitch);
    const strength = velocity / 127;
    const source = new AudioBufferSourceNode(this.context, { buffer: this.#sample(drum) });
    // Soft hits are duller.
    const tone = new BiquadFilterNode(this.context, { type: "lowpass", frequency: 4000 + 15000 * strength, Q: 0.3 });
    const gain = new GainNode(this.context, { gain: KIT[drum].level * (0.08 + 0.92 * strength ** 1.6) });
    const pan = new StereoPannerNode(this.context, { pan: PLACES[drum] ?? 0 });
    source.connect(tone).connect(gain).connect(pan).connect(this.voices[voice]);
    source.start(time);
    // A closed hat ends an open one.
    if (drum === 42 || drum === 46) {
      if (this.open && this.open.time < time) this.open.gain.gain.setTargetAtTime(0, time, 0.012);
      this.open = drum === 46 ? { gain, time } : null;
    }
    return { stop() {} };
  }

  #tone({ voice, program, pitch, velocity, time }) {
    const { context } = this;
    const family = FAMILIES[BY_EIGHT[program >> 3] ?? "lead"];
    const hertz = 440 * 2 ** ((pitch - 69) / 12);
    const strength = velocity / 127;
    const level = new GainNode(context, { gain: 0 });
    const loud = 0.34 * (0.2 + 0.8 * strength ** 1.5) * Math.min(1.25, (330 / hertz) ** 0.15);
    level.gain.setTargetAtTime(loud, time, family.attack);
    level.gain.setTargetAtTime(loud * family.sustain, time + 5 * family.attack, family.decay);
    let into = level;
    if (family.filter) {
      const [low, peak, seconds] = family.filter;
      const top = (multiple) => Math.min(multiple * hertz * (0.55 + 0.75 * strength), 15000);
      const filter = new BiquadFilterNode(context, { type: "lowpass", Q: 0.9, frequency: top(peak) });
      filter.frequency.setTargetAtTime(top(low), time, seconds);
      filter.connect(level);
      into = filter;
    }
    level.connect(this.voices[voice]);
    const sources = family.waves.map(([kind, cents, octave, part]) => {
      const source = new OscillatorNode(context, { frequency: hertz * 2 ** octave, detune: cents });
      if (PARTIALS[kind]) source.setPeriodicWave(this.#wave(kind));
      else source.type = kind;
      const gain = new GainNode(context, { gain: part });
      source.connect(gain).connect(into);
      source.start(time);
      return source;
    });
    if (family.vibrato) {
      // Vibrato begins a while after the note, as players do it.
      const wobble = new OscillatorNode(context, { frequency: 5.4 });
      const depth = new GainNode(context, { gain: 0 });
      depth.gain.setTargetAtTime(family.vibrato, time + 0.25, 0.2);
      wobble.connect(depth);
      for (const source of sources) depth.connect(source.detune);
      wobble.start(time);
      sources.push(wobble);
    }
    let ended = false;
    return {
      stop(at) {
        if (ended) return;
        ended = true;
        const end = Math.max(at, time + 0.01);
        // Cancels only what begins later, so that the level falls from where it is, without a click.
        level.gain.cancelScheduledValues(end);
        level.gain.setTargetAtTime(0, end, family.release);
        for (const source of sources) source.stop(end + 9 * family.release);
      },
    };
  }

  /** The samples of a drum. @param {number} pitch */
  #sample(pitch) {
    if (!this.samples.has(pitch)) {
      const { seconds, make } = KIT[pitch];
      const rate = this.context.sampleRate;
      const length = Math.ceil(seconds * rate);
      const buffer = new AudioBuffer({ length, numberOfChannels: 1, sampleRate: rate });
      const values = buffer.getChannelData(0);
      const at = make(rate);
      const fade = 0.02 * rate;
      let peak = 0;
      for (let k = 0; k < length; k++) {
        values[k] = at(k / rate) * Math.min(1, (length - k) / fade);
        peak = Math.max(peak, Math.abs(values[k]));
      }
      for (let k = 0; k < length; k++) values[k] /= peak;
      this.samples.set(pitch, buffer);
    }
    return this.samples.get(pitch);
  }

  #wave(kind) {
    if (!this.waves.has(kind)) {
      const imaginary = new Float32Array([0, ...PARTIALS[kind]]);
      const real = new Float32Array(imaginary.length);
      this.waves.set(kind, this.context.createPeriodicWave(real, imaginary));
    }
    return this.waves.get(kind);
  }

  /** The impulse response of a small room: noise that fades and becomes duller. */
  #room() {
    const rate = this.context.sampleRate;
    const length = Math.ceil(1.1 * rate);
    const buffer = new AudioBuffer({ length, numberOfChannels: 2, sampleRate: rate });
    for (let channel = 0; channel < 2; channel++) {
      const values = buffer.getChannelData(channel);
      const hiss = noise(101 + channel);
      let smooth = 0;
      for (let k = Math.round(0.008 * rate); k < length; k++) {
        const t = k / rate;
        smooth += (hiss() - smooth) * (0.12 + 0.6 * Math.exp(-t * 7));
        values[k] = smooth * Math.exp(-t * 6.2) * 0.5;
      }
    }
    return buffer;
  }
}
