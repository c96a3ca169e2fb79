"""Text: the way from one sentence to another, word by word."""

from __future__ import annotations

import re
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import seqvae
from examples.lecture.figures import Setting, figure
from vaecore.files import replacing

ENDS = ("A man plays a guitar .", "Two dogs run on the beach .")
FIRST, SECOND, OWN = "#1f77b4", "#d95f02", "#8a8a8a"
"""Colours of the words of one end, of the other, and of neither."""


@figure
def sentences(setting: Setting) -> dict[str, Any]:
    """Draw, and write as text, the way between two sentences, its words coloured by their end."""
    space = seqvae.load("sentences")
    steps = space.interpolate(*ENDS, steps=setting.some(9, 3))
    (setting.output / "sentences.txt").write_text("\n".join(steps) + "\n", encoding="utf-8")
    picture = Figure(figsize=(6.4, 0.32 * len(steps) + 0.2))
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(steps), 0))
    renderer = FigureCanvasAgg(picture).get_renderer()
    words = [set(_words(end)) for end in ENDS]
    for row, sentence in enumerate(steps):
        place = 0.03
        for word in sentence.split():
            own = set(_words(word))
            colour = FIRST if own <= words[0] else SECOND if own <= words[1] else OWN
            text = axes.text(
                place, row + 0.5, word, color=colour, fontsize=13, va="center", family="serif"
            )
            box = text.get_window_extent(renderer)
            place = axes.transData.inverted().transform((box.x1, box.y0))[0] + 0.012
    with replacing(setting.output / "sentences.png") as temporary:
        picture.savefig(temporary, format="png", dpi=150)
    return {"sentences": steps}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
