// The studio of music and sentences: shows the point as a piano roll that can be played, or as text.

import { colour } from "vaecore/page/colour.js";
import { dark, download, h, sharp } from "vaecore/page/dom.js";
import { studio } from "vaecore/studio/web/app.js";
import { writeMidi } from "seqvae/music/page/midi.js";
import { Player } from "seqvae/music/page/player.js";
import { Roll, drawNotes, groupsOf, layout } from "seqvae/music/page/roll.js";
import { Sound } from "seqvae/music/page/sound.js";
import { Transport } from "seqvae/music/page/transport.js";

/** The view of music: a piano roll, and a player that keeps time while the point moves. */
function music(host, about, app) {
  const { voices, bar, beat } = about;
  const nothing = { length: bar * about.bars, notes: [], tempos: [[0, 120]], programs: voices.map(() => 0) };
  let now = nothing;
  const player = new Player({ voices, bar, beat, sound: (context) => new Sound(context, voices) });
  const canvas = h("canvas", { class: "roll", role: "img", "aria-label": "Piano roll" });
  const controls = h("div", { "aria-label": "Player", role: "group" });
  host.classList.add("music");
  host.append(canvas, controls);
  const roll = new Roll(canvas, { voices, plan: layout([nothing], voices), bar, beat });
  roll.muted = player.muted;
  const transport = new Transport(controls, player, {
    current: () => now,
    groups: groupsOf([{ ...nothing, notes: everything(voices) }], voices),
    onmute: () => roll.draw(),
    onframe: (position) => roll.playhead(position?.begun ? position.tick : null),
    say: app.say,
    ondownload: () => {
      const bytes = writeMidi([{ music: now, from: 0, to: now.length }], { ...player.settings, instruments: about.instruments });
      download(`${transport.name.textContent.replace(/[^\w.-]+/g, "_").slice(0, 60) || "studio"}.mid`, bytes, "audio/midi");
    },
  });
  const draw = (context, shown, box, tint, margin, plan = layout([shown], voices)) => {
    const inside = { x: box.x + margin, y: box.y + margin, width: box.width - 2 * margin, height: box.height - 2 * margin };
    drawNotes(context, shown, plan, inside, { tint, voices, lightness: dark() ? 0.78 : 0.5 });
  };
  return {
    player,
    transport,
    show(shown, words, tint) {
      now = shown;
      roll.show(shown, tint, layout([shown], voices));
      transport.name.textContent = words;
      if (player.playing) player.next(shown);
      transport.update();
    },
    thumb(canvas_, shown, tint) {
      const [context, width, height] = sharp(canvas_);
      draw(context, shown, { x: 0, y: 0, width, height }, tint, 5);
    },
    plan: (cells) => (cells.length ? layout(cells, voices) : undefined),
    cell: (context, shown, box, tint, plan) => draw(context, shown, box, tint, Math.min(8, box.width / 10), plan),
    press: () => transport.toggle(),
    begin() {
      if (!player.playing) transport.toggle();
    },
    close() {
      player.stop();
      host.classList.remove("music");
    },
  };
}

/** Notes of every instrument group, so that each group gets a mute button. */
function everything(voices) {
  return voices.flatMap(({ drum }, voice) =>
    (drum ? [36, 38, 42, 45, 49] : [60]).flatMap((pitch) => [voice, 0, 1, pitch, 100]));
}

/** The view of sentences. */
function text(host) {
  const line = h("p", { class: "sentence", "aria-live": "polite" });
  host.append(line);
  const write = (context, shown, box, tint, size) => {
    context.fillStyle = colour(tint, dark() ? 0.85 : 0.4);
    context.font = `${size}px system-ui, sans-serif`;
    let [at, y] = ["", box.y + 1.6 * size];
    for (const word of shown.split(" ")) {
      if (at && context.measureText(`${at} ${word}`).width > box.width - 16) {
        context.fillText(at, box.x + 8, y);
        [at, y] = [word, y + 1.25 * size];
      } else at = at ? `${at} ${word}` : word;
    }
    context.fillText(at, box.x + 8, y);
  };
  return {
    show: (shown) => { line.textContent = shown; },
    thumb(canvas, shown, tint) {
      const [context, width, height] = sharp(canvas);
      write(context, shown, { x: 0, y: 0, width, height }, tint, 11);
    },
    cell: (context, shown, box, tint) => write(context, shown, box, tint, 12),
    close: () => {},
  };
}

studio({ music, text });
