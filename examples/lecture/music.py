"""Music: two pieces blended, and four; performances, and a stiff beat played."""

from __future__ import annotations

from typing import Any

from pretty_midi import PrettyMIDI

import seqvae
from examples.lecture.figures import DATA, Setting, figure
from seqvae.music.presentation import piano_roll, write_midi
from seqvae.music.properties import measure
from seqvae.music.representations.groove.feel import humanize

CORNERS = tuple(DATA / f"{name}.mid" for name in ("sunrise", "alley", "fountain", "harbour"))


@figure
def blend(setting: Setting) -> dict[str, Any]:
    """Draw, and write as MIDI, the way from a rock beat to a bossa nova."""
    space = seqvae.load("drums_2bar")
    ends = DATA / "rock.mid", DATA / "bossa.mid"
    items = space.interpolate(*ends, steps=9)
    titles = ["rock", *[""] * 7, "bossa"]
    write_midi(items, setting.output / "blend.mid", titles=titles)
    piano_roll(items, setting.output / "blend.png", titles, columns=3)
    windows = [space.codec.encode(item) for item in items]
    return {"share of steps that differ from rock": [
        round((windows[0] != window).double().mean().item(), 3) for window in windows
    ]}  # fmt: skip


@figure
def palette(setting: Setting) -> dict[str, Any]:
    """Draw, and write as MIDI, a grid between four melodies."""
    space = seqvae.load("melody_2bar")
    side = setting.some(5, 2)
    grid = space.palette(CORNERS, rows=side, columns=side)
    items = [item for row in grid for item in row]
    titles = [""] * len(items)
    for place, corner in zip((0, side - 1, -side, -1), CORNERS, strict=True):
        titles[place] = corner.stem
    write_midi(items, setting.output / "palette.mid", titles=titles)
    piano_roll(items, setting.output / "palette.png", titles, columns=side)
    return {"bars": 2 * len(items)}


@figure
def performance(setting: Setting) -> dict[str, Any]:
    """Draw, and write as MIDI, the way from one drummer's two bars to another's."""
    space = seqvae.load("groove_2bar")
    ends = DATA / "shuffle.mid", DATA / "samba.mid"
    steps = setting.some(6, 2)
    items = space.interpolate(*ends, steps=steps)
    titles = ["shuffle", *[""] * (steps - 2), "samba"]
    write_midi(items, setting.output / "performance.mid", titles=titles)
    piano_roll(items, setting.output / "performance.png", titles, columns=setting.some(3, 2))
    measured = measure(space.codec, space.examples(items).x)
    return {name: measured[name].round(3).tolist() for name in ("swing", "loudness", "laid_back")}


@figure
def humanized(setting: Setting) -> dict[str, Any]:
    """Draw, and write as MIDI, a stiff beat and what a drummer might make of it."""
    space, stiff = seqvae.load("groove_2bar"), DATA / "funk.mid"
    played, context = humanize(space, stiff)
    items = [PrettyMIDI(str(stiff)), space.codec.decode(played, context)]
    write_midi(items, setting.output / "humanized.mid", titles=["stiff", "played"])
    piano_roll(items, setting.output / "humanized.png", ["stiff", "played"], columns=2)
    measured = measure(space.codec, played[None])
    return {name: round(float(measured[name][0]), 3) for name in ("dynamics", "looseness")}
