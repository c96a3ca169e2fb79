// Plays music in time: notes are scheduled on the audio clock shortly before they sound.

import { groupOf, notesOf } from "./roll.js";
import { channels } from "./midi.js";
import { QUARTER, swung, tempoAt } from "./time.js";

/** Seconds for which notes are scheduled in advance, and between two runs of the scheduler. */
const AHEAD = 0.1;
const EVERY = 0.025;
/** The same for a hidden page, whose timers run once a second. */
const AHEAD_HIDDEN = 1.6;
/** Seconds from the press of a button to the first note. */
const LEAD = 0.04;
const LOG = 20000;

/**
 * Plays a loop, and changes to another one without a gap.
 *
 * All times are those of the audio clock. `log` has all notes that were scheduled.
 */
export class Player {
  /**
   * @param {Object} options
   * @param {import("./roll.js").Voice[]} options.voices
   * @param {number} options.bar ticks of a bar
   * @param {number} options.beat ticks of a beat
   * @param {() => BaseAudioContext} [options.context] called at the first start: browsers allow
   *   sound only after a visitor's input
   * @param {(context: BaseAudioContext) => import("./sound.js").Sound} [options.sound]
   */
  constructor({ voices, bar, beat, context, sound }) {
    Object.assign(this, { voices, bar, beat });
    this.makeContext = context ?? (() => new AudioContext({ latencyHint: "interactive" }));
    this.makeSound = sound ?? (() => null);
    this.channels = channels(voices);
    /** When the next music enters: "beat", "bar" or "loop". */
    this.quantum = "beat";
    this.swing = 0.5;
    this.swingGrid = 16;
    /** @type {Set<string>} groups of notes, see `groupOf` */
    this.muted = new Set();
    this.out = null;
    this.playing = false;
    /** The notes that were scheduled, with time and tick. */
    this.log = [];
    /** Ticks and times at which the scheduler was late, so that the music was delayed. */
    this.stalls = [];
    this.ready = () => {};
    document.addEventListener("visibilitychange", () => this.playing && this.#schedule());
  }

  /** The fixed tempo in quarter notes a minute; null for the music's own. */
  get bpm() {
    return this.fixed ?? null;
  }

  set bpm(value) {
    this.fixed = value;
    if (this.playing) this.#pace(true);
  }

  /** The options of `writeMidi` that the player knows. */
  get settings() {
    const { voices, bpm, swing, swingGrid, muted } = this;
    return { voices, bpm, swing, swingGrid, muted };
  }

  /** Make the audio context and the sound, after a visitor's input. */
  #open() {
    if (this.context) return;
    this.context = this.makeContext();
    this.sound = this.makeSound(this.context);
    this.ready();
  }

  /**
   * Begin to play a music; if one plays already, this is the next one.
   * @param {import("./roll.js").Music} music
   */
  start(music) {
    if (this.playing) return this.next(music);
    this.#begin(music, null);
  }

  /**
   * Change to a music at the next beat, bar or loop. The last call before that counts.
   * @param {import("./roll.js").Music} music
   */
  next(music) {
    if (!this.playing) return;
    this.sequence = null;
    this.waiting = music === this.music ? null : { music, unit: this.ticks(this.quantum, music) };
  }

  /**
   * Play a path: one music after another, in a loop.
   * @param {import("./roll.js").Music[]} musics
   * @param {"beat"|"bar"|"loop"} unit length of each part
   */
  playPath(musics, unit) {
    if (!musics.length) return;
    const sequence = { musics, unit: this.ticks(unit, musics[0]), index: 0 };
    if (!this.playing) return this.#begin(musics[0], sequence);
    this.waiting = { music: musics[0], unit: this.bar, sequence };
  }

  /**
   * Render a path to samples, with the notes and times of `playPath`.
   * @param {ConstructorParameters<typeof Player>[0]} options
   * @param {import("./roll.js").Music[]} musics
   * @param {"beat"|"bar"|"loop"} unit
   * @param {number} seconds
   * @param {(player: Player) => void} [set] sets tempo, swing and mutes
   * @returns {Promise<{player: Player, buffer: AudioBuffer}>}
   */
  static async render(options, musics, unit, seconds, set = () => {}) {
    const context = new OfflineAudioContext(2, Math.ceil(44100 * seconds), 44100);
    const player = new Player({ ...options, context: () => context });
    set(player);
    player.#open();
    player.#reset(musics[0], { musics, unit: player.ticks(unit, musics[0]), index: 0 });
    player.advance(seconds);
    return { player, buffer: await context.startRendering() };
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    clearInterval(this.timer);
    const now = this.context.currentTime;
    for (const note of this.sounding) this.#end(note, now);
    this.sounding = [];
    this.out?.silence();
    this.sound?.hush?.(now);
    this.sequence = this.waiting = null;
  }

  /** @param {"beat"|"bar"|"loop"} unit @param {import("./roll.js").Music} music */
  ticks(unit, music) {
    return unit === "loop" ? music.length : unit === "bar" ? this.bar : this.beat;
  }

  /** The position: the music that sounds, the tick in it, and on a path the number of the part. */
  position() {
    if (!this.playing) return null;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const pace = this.paces.findLast((each) => each.time <= now) ?? this.paces[0];
    const tick = pace.tick + ((now - pace.time) * pace.bpm * QUARTER) / 60;
    const part = this.parts.findLast((each) => each.tick <= tick) ?? this.parts[0];
    const length = part.music.length;
    const local = (((tick - part.origin) % length) + length) % length;
    return { music: part.music, tick: local, index: part.index, bpm: pace.bpm, begun: tick >= 0 };
  }

  #begin(music, sequence) {
    this.#open();
    this.context.resume();
    this.playing = true;
    this.#reset(music, sequence);
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#schedule(), 1000 * EVERY);
    this.#schedule();
  }

  #reset(music, sequence) {
    this.sequence = sequence;
    this.waiting = null;
    this.sounding = [];
    this.cursor = 0;
    this.paces = [];
    this.parts = [];
    this.#enter(music, 0, sequence ? 0 : null);
  }

  /** Change to a music at the cursor, up to which everything is scheduled. */
  #enter(music, origin, index) {
    this.music = music;
    this.origin = origin;
    this.parts.push({ tick: this.cursor, origin, music, index });
    if (this.parts.length > 64) this.parts.splice(0, 32);
    this.#pace();
  }

  /** Set the tempo from the cursor on: that of the music, or the fixed one. */
  #pace(again = false) {
    const bpm = this.fixed ?? tempoAt(this.music, this.#local());
    const last = this.paces.at(-1);
    if (last && last.bpm === bpm && !again) return;
    this.paces.push({ tick: this.cursor, time: last ? this.#time(this.cursor) : null, bpm });
    if (this.paces.length > 64) this.paces.splice(0, 32);
  }

  #local() {
    return (this.cursor - this.origin) % this.music.length;
  }

  /** The time of a tick that is not before the last change of tempo. */
  #time(tick) {
    const { tick: from, time, bpm } = this.paces.at(-1);
    return time + ((tick - from) * 60) / (bpm * QUARTER);
  }

  #schedule() {
    const now = this.context.currentTime;
    const first = this.paces[0];
    if (first.time === null) first.time = now + LEAD;
    // After a late timer (as of a sleeping computer), continue from now, without a burst of notes.
    const due = this.#time(this.cursor);
    if (due < now - 0.01) {
      const { bpm } = this.paces.at(-1);
      this.paces.push({ tick: this.cursor, time: now + LEAD, bpm });
      this.stalls.push({ tick: this.cursor, time: now + LEAD });
    }
    this.advance(now + (document.hidden ? AHEAD_HIDDEN : AHEAD));
  }

  /** Schedule everything up to a time. @param {number} horizon seconds */
  advance(horizon) {
    for (const pace of this.paces) pace.time ??= 0;
    while (this.#time(this.cursor) < horizon) {
      this.#change();
      const local = this.#local();
      const { bpm } = this.paces.at(-1);
      const reach = this.cursor + Math.max(1, Math.ceil(((horizon - this.#time(this.cursor)) * bpm * QUARTER) / 60));
      const ends = [reach, this.cursor + this.music.length - local, this.cursor + this.beat - (local % this.beat)];
      if (!this.fixed) {
        for (const [tick] of this.music.tempos) if (tick > local) ends.push(this.cursor + tick - local);
      }
      const end = Math.min(...ends);
      this.#notes(local, local + end - this.cursor);
      this.cursor = end;
      if (!this.fixed) this.#pace();
    }
  }

  /** Change to the next music if its tick has come. */
  #change() {
    const local = this.#local();
    const fresh = this.parts.at(-1).tick === this.cursor;
    if (this.waiting && local % this.waiting.unit === 0) {
      const { music, sequence } = this.waiting;
      this.waiting = null;
      this.sequence = sequence ?? null;
      this.#cut();
      this.#enter(music, sequence ? this.cursor : this.#origin(music), sequence ? 0 : null);
    } else if (this.sequence && !fresh) {
      const { musics, unit } = this.sequence;
      const since = this.cursor - this.parts.at(-1).tick;
      if (since < Math.min(unit, this.music.length)) return;
      const index = (this.sequence.index + 1) % musics.length;
      this.sequence.index = index;
      this.#cut();
      const whole = unit >= musics[index].length;
      this.#enter(musics[index], whole || !index ? this.cursor : this.#origin(musics[index]), index);
    }
  }

  /** The tick at which the loop of a music would have begun, if it continues at the present place. */
  #origin(music) {
    return this.cursor - (this.#local() % music.length);
  }

  /** End all notes that sound at the cursor. */
  #cut() {
    const time = this.#time(this.cursor);
    for (const note of this.sounding) this.#end(note, time);
    this.sounding = [];
  }

  /** Schedule the notes that begin between two ticks of the loop, and the ends of notes there. */
  #notes(from, to) {
    const base = this.cursor - from;
    this.sounding = this.sounding.filter((note) => {
      if (note.until > base + to) return true;
      this.#end(note, this.#time(Math.max(note.until, this.cursor)));
      return false;
    });
    for (const note of notesOf(this.music)) {
      const begin = swung(note.start, this.swing, this.swingGrid);
      if (begin < from || begin >= to) continue;
      if (this.muted.has(groupOf(this.voices[note.voice], note.pitch))) continue;
      const time = this.#time(base + begin);
      const until = base + Math.max(begin + 1, swung(note.start + note.duration, this.swing, this.swingGrid));
      const seconds = ((until - base - begin) * 60) / (this.paces.at(-1).bpm * QUARTER);
      const { voice, pitch, velocity } = note;
      const program = this.music.programs[voice];
      // A note that begins ends another one of its pitch.
      for (const other of this.sounding) {
        if (other.voice === voice && other.pitch === pitch) this.#end(other, time);
      }
      this.sounding = this.sounding.filter((other) => other.voice !== voice || other.pitch !== pitch);
      const { drum } = this.voices[voice];
      const handle = this.sound?.play({ voice, drum, program, pitch, velocity, time, seconds });
      this.out?.send(this.channels[voice], program, pitch, velocity, this.#clock(time));
      this.sounding.push({ handle, voice, pitch, program, until });
      this.log.push({ time, tick: base + begin, local: note.start, voice, pitch, velocity, seconds, music: this.music });
    }
    if (this.log.length > LOG) this.log.splice(0, LOG / 2);
    // Short notes that end within these ticks.
    this.sounding = this.sounding.filter((note) => {
      if (note.until > base + to) return true;
      this.#end(note, this.#time(note.until));
      return false;
    });
  }

  #end({ handle, voice, pitch, program }, time) {
    handle?.stop(time);
    this.out?.send(this.channels[voice], program, pitch, 0, this.#clock(time));
  }

  /** A time of the audio clock as `performance.now()` counts it, for MIDI. */
  #clock(time) {
    const both = this.context.getOutputTimestamp?.();
    if (both?.contextTime > 0) return both.performanceTime + (time - both.contextTime) * 1000;
    return performance.now() + (time - this.context.currentTime) * 1000;
  }
}
