// The controls of a player: play, tempo, swing, volume, mute, MIDI out, download.

import { CROSS, SAVE, h, icon } from "vaecore/page/dom.js";
import { slider } from "vaecore/page/slider.js";
import { MidiOut } from "./midi.js";
import { tempoAt } from "./time.js";

export const ICONS = {
  play: "M8 5.1c0-.9 1-1.4 1.7-.9l9.6 6.9c.6.4.6 1.4 0 1.8l-9.6 6.9c-.7.5-1.7 0-1.7-.9z",
  stop: "M7.5 6h9c.8 0 1.5.7 1.5 1.5v9c0 .8-.7 1.5-1.5 1.5h-9c-.8 0-1.5-.7-1.5-1.5v-9c0-.8.7-1.5 1.5-1.5z",
  save: SAVE,
  draw: "M4 17.5c3-8 5.5-9.5 7-7.500s-2.500 6.500-.5 7.500 4.500-3 6.500-8.500l1.800.7c-2.300 6.300-5.600 11-9 9.500-3.500-1.500-.6-7 .1-8.200-1 .3-2.300 2.800-4 7.200z",
  clear: CROSS,
};

/**
 * A labelled drop-down list.
 * @param {string} name
 * @param {[string, string][]} options values and their labels
 * @param {string} value
 * @param {(value: string) => void} changed
 */
export function choice(name, options, value, changed) {
  const select = h("select", { "aria-label": name });
  for (const [each, words] of options) select.append(h("option", { value: each, selected: each === value }, words));
  select.addEventListener("change", () => changed(select.value));
  const element = h("label", { class: "setting" }, h("span", {}, name), select);
  return { element, select };
}

const TITLES = { kick: "Kick", snare: "Snare", hats: "Hats", toms: "Toms", cymbals: "Cymbals" };

export class Transport {
  /**
   * @param {HTMLElement} element of the controls
   * @param {import("./player.js").Player} player
   * @param {Object} options
   * @param {() => import("./roll.js").Music} options.current the music that the play button plays
   * @param {string[]} options.groups the mute groups, see `groupsOf`
   * @param {() => void} [options.ondownload] the button of the MIDI file was pressed
   * @param {() => void} [options.onmute] a group was muted, or is heard again
   * @param {(position: ReturnType<player["position"]>) => void} [options.onframe] called for each
   *   frame while it plays; with null at the end
   * @param {(text: string) => void} [options.say] shows a message
   */
  constructor(element, player, options) {
    this.player = player;
    this.options = options;
    this.volume = 0.8;
    player.ready = () => player.sound?.volume(this.volume);

    this.button = h("button", { type: "button", class: "button primary round", onclick: () => this.toggle() });
    this.tempo = slider("Tempo", { min: 40, max: 220, step: 1, value: 120 }, (v) => `${v} bpm`, (v) => {
      player.bpm = v;
      this.update();
    });
    this.follow = h("button", { type: "button", class: "small", hidden: true, onclick: () => {
      player.bpm = null;
      this.update();
      this.tempo.input.focus();
    } }, "as blended");
    this.tempo.output.after(this.follow);
    this.swing = slider("Swing", { min: 50, max: 75, step: 1, value: 50 },
      (v) => (v === 50 ? "even" : `${v} %`), (v) => { player.swing = v / 100; });
    const grid = choice("Swing of", [["16", "sixteenths"], ["8", "eighths"]], "16", (v) => { player.swingGrid = Number(v); });
    this.loudness = slider("Volume", { min: 0, max: 100, step: 1, value: 80 }, (v) => `${v} %`, (v) => this.#loud(v / 100));
    const change = choice("Next blend enters", [["beat", "at the next beat"], ["bar", "at the next bar"], ["loop", "after the loop"]],
      player.quantum, (v) => { player.quantum = v; });

    this.chips = options.groups.map((name) => {
      const chip = h("button", { type: "button", class: "chip", "aria-pressed": "true", onclick: () => {
        const on = chip.getAttribute("aria-pressed") !== "true";
        chip.setAttribute("aria-pressed", String(on));
        if (on) player.muted.delete(name);
        else player.muted.add(name);
        options.onmute?.();
      } }, TITLES[name] ?? name[0].toUpperCase() + name.slice(1));
      return chip;
    });
    const save = options.ondownload
      ? h("button", { type: "button", class: "button", onclick: () => options.ondownload() }, icon(ICONS.save), "MIDI file")
      : null;
    this.name = h("p", { class: "now" });
    element.classList.add("transport");
    element.append(
      h("div", { class: "main" }, this.button, this.name, save ?? h("span")),
      h("div", { class: "settings" },
        this.tempo.element, this.loudness.element, this.swing.element, grid.element, change.element, this.#midi()),
      h("div", { class: "group", role: "group", "aria-label": "Heard" }, h("h2", {}, "Heard"), ...this.chips),
    );
    this.update();
  }

  /** Play the current music, or stop. */
  toggle() {
    if (this.player.playing) this.player.stop();
    else this.player.start(this.options.current());
    this.started();
  }

  /** Show whether the player plays; to be called after its `start`, `playPath` or `stop`. */
  started() {
    this.update();
    if (this.frame) return;
    const draw = () => {
      const position = this.player.position();
      this.frame = position ? requestAnimationFrame(draw) : 0;
      if (position && !this.player.bpm) this.#pace(position.bpm);
      this.options.onframe?.(position);
    };
    draw();
  }

  /** Show the player's settings, and the tempo of the current music. */
  update() {
    const { playing } = this.player;
    this.button.setAttribute("aria-label", playing ? "Stop" : "Play");
    this.button.replaceChildren(icon(playing ? ICONS.stop : ICONS.play));
    this.follow.hidden = this.player.bpm === null;
    if (this.player.bpm === null && !playing) this.#pace(tempoAt(this.options.current(), 0));
  }

  #pace(bpm) {
    const value = String(Math.round(bpm));
    if (this.tempo.input.value !== value) this.tempo.set(value);
  }

  #loud(value) {
    this.volume = value;
    this.player.sound?.volume(value);
  }

  #midi() {
    const { options } = this;
    const out = new MidiOut();
    this.player.out = out;
    const { element, select } = choice("Output", [["", "Sound of this page"], ["open", "MIDI out …"]], "", async (value) => {
      if (value !== "open") return choose(value);
      select.value = "";
      try {
        await out.open(list);
      } catch {
        return options.say?.("The browser refused MIDI: allow it in its settings for this page.");
      }
      list();
      if (!out.outputs.length) return options.say?.("There is no MIDI device: connect one, and choose MIDI out again.");
      choose(out.outputs[0].id);
    });
    const choose = (id) => {
      out.choose(id);
      select.value = id;
      // The device plays instead of the page, whose volume is therefore 0; a visitor may raise it.
      this.loudness.set(id ? 0 : 80);
      this.#loud(id ? 0 : 0.8);
    };
    const list = () => {
      const chosen = out.port?.id ?? "";
      const devices = out.outputs.map(({ id, name }) => h("option", { value: id }, name ?? id));
      select.replaceChildren(h("option", { value: "" }, "Sound of this page"), ...devices);
      if (!devices.length) select.append(h("option", { value: "open" }, "MIDI out …"));
      select.value = out.outputs.some(({ id }) => id === chosen) ? chosen : "";
    };
    if (!MidiOut.available) {
      select.options[1].disabled = true;
      select.options[1].textContent = "MIDI out: not in this browser";
    }
    return element;
  }
}
