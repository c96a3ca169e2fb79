"""Draws the two pictures of architecture.md: `python docs/pictures.py`, from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from examples.lecture.canvas import BLUE, GREEN, GREY, ORANGE, QUIET, RED, Canvas  # noqa: E402

WHITE = "#ffffff"


def folders() -> Canvas:
    """Return the folders, and which imports which."""
    page = Canvas(9.6, 6.6)
    _sequences(page)
    page.box((5.0, 2.95), (2.3, 3.4), fill=GREEN, title="facevae")
    for at, text in (
        (5.35, "cli\nthe facevae command"), (4.65, "train, evaluate, effects"),
        (3.95, "networks, adversary, align"), (3.25, "codec, data, presentation"),
    ):  # fmt: skip
        page.box((5.15, at), (2.0, 0.55), text, fill=WHITE, fontsize=8.5)
    page.box((7.55, 2.95), (1.75, 3.4), fill=ORANGE, title="examples")
    page.box((7.7, 4.65), (1.45, 1.25), "digits\na third domain\nbeside the\npackages", fill=WHITE,
             fontsize=8.5)  # fmt: skip
    page.box((7.7, 3.25), (1.45, 1.25), "lecture\nits figures, from\nall of them", fill=WHITE,
             fontsize=8.5)  # fmt: skip
    page.box((0.3, 0.95), (9.0, 1.6), fill=GREY, title="vaecore")
    for x, width, text in (
        (0.45, 1.7, "cli\nthe shared commands"),
        (2.25, 1.6, "training\non Lightning"),
        (3.95, 1.75, "space, codec, domain\nfolder"),
        (5.8, 1.6, "model, objective\ndistributions"),
        (7.5, 1.65, "paths, attributes\npriors, analysis"),
    ):
        page.box((x, 1.1), (width, 0.95), text, fill=WHITE, fontsize=8.5)
    for x in (2.5, 6.15, 8.4):
        page.arrow((x, 2.93), (x, 2.58), colour=RED)
    page.text((4.8, 0.6), "An arrow means: imports. No arrow goes up or sideways between domains.",
              color=RED, fontsize=9.5)  # fmt: skip
    page.text((4.8, 0.28), "beside them: data (example files) · tests · benchmarks · docs",
              color=QUIET)  # fmt: skip
    return page


def _sequences(page: Canvas) -> None:
    """Draw the parts of seqvae, and the imports between them."""
    page.box((0.3, 2.95), (4.45, 3.4), fill=BLUE, title="seqvae")
    page.box((0.5, 5.3), (4.05, 0.6), "cli: the seqvae command", fill=WHITE)
    page.box((0.5, 4.0), (2.55, 0.95), "music\nreading, representations, networks,\n"
             "data, presentation", fill=WHITE, fontsize=8.5)  # fmt: skip
    page.box((3.2, 4.0), (1.35, 0.95), "text\ncodec, network,\nvocabulary", fill=WHITE,
             fontsize=8.5)  # fmt: skip
    page.box((0.5, 3.15), (4.05, 0.5), "sequences: LSTM, batches, attributes", fill=WHITE)
    for x in (1.78, 3.88):
        page.arrow((x, 5.28), (x, 4.98), colour=RED)
        page.arrow((x, 3.98), (x, 3.68), colour=RED)


def data() -> Canvas:
    """Return the way of an item through a domain and the core."""
    page = Canvas(9.6, 4.1)
    page.box((0.25, 3.05), (1.15, 0.8), "file\na.mid, b.png", fill=WHITE)
    page.box((1.85, 3.05), (1.15, 0.8), "codec\nread", fill=GREEN)
    page.box((3.45, 3.05), (1.15, 0.8), "Example.x\na tensor", fill=WHITE)
    page.box((5.05, 3.05), (1.15, 0.8), "encoder", fill=GREEN)
    page.box((6.65, 3.05), (1.3, 0.8), "posterior\nmean, stddev", fill=GREY)
    page.box((8.3, 1.85), (1.15, 1.2), "paths\nattributes\npriors", fill=GREY)
    page.box((6.65, 1.05), (1.3, 0.8), "codes\nz", fill=GREY)
    page.box((5.05, 1.05), (1.15, 0.8), "decoder", fill=GREEN)
    page.box((3.45, 1.05), (1.15, 0.8), "x′\na tensor", fill=WHITE)
    page.box((1.85, 1.05), (1.15, 0.8), "codec\ndecode", fill=GREEN)
    page.box((0.25, 1.05), (1.15, 0.8), "presentation\nMIDI, PNG", fill=GREEN)
    page.box((1.25, 2.2), (2.35, 0.5), "Example.context\ntempo, instruments, bar, source",
             fill=WHITE, fontsize=8)  # fmt: skip
    for left in (1.4, 3.0, 4.6, 6.2):
        page.arrow((left + 0.04, 3.45), (left + 0.41, 3.45))
        page.arrow((left + 0.41, 1.45), (left + 0.04, 1.45))
    page.arrow((7.97, 3.45), (8.7, 3.08), bend=-0.25)
    page.arrow((8.7, 1.82), (7.97, 1.45), bend=-0.25)
    page.arrow((2.42, 3.03), (2.42, 2.73), dashed=True)
    page.arrow((2.42, 2.18), (2.42, 1.88), dashed=True)
    _legend(page)
    return page


def _legend(page: Canvas) -> None:
    """Say what the colours mean."""
    for x, fill, text in ((2.2, GREEN, "a domain's own"), (4.3, GREY, "vaecore"),
                          (5.9, WHITE, "what is handed on")):  # fmt: skip
        page.box((x, 0.35), (0.3, 0.22), fill=fill)
        page.text((x + 0.4, 0.45), text, ha="left", color=QUIET)


if __name__ == "__main__":
    folders().save(HERE / "architecture_folders.png")
    data().save(HERE / "architecture_data.png")
