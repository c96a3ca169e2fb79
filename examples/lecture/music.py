"""Music: two pieces blended, and four."""

from __future__ import annotations

from typing import Any

import seqvae
from examples.lecture.figures import DATA, Setting, figure
from seqvae.presentation import piano_roll, write_midi

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
