"""The `seqvae` command: the shared verbs for music and text, and verbs of its own.

    music      the presentation of music: choice of the model, and how results are shown
    parts      options that choose a part of a file
    reading    options that choose meter and grid, and warnings
    sources    the windows that are taken from inputs
    writing    MIDI files, pictures and sound
    into, keys the options --into; --key and --scale
    strip      the picture of many windows in text: one line each
    text       the presentation of sentences
    play       humanize and drumify
    files      show and render, which need no model
    page       a model in one HTML file
    learn      prepare and train
    importing  import, for models that Magenta trained

Verbs import torch late, so that `--help` and errors in the inputs are quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaecore.cli import Group
    from vaecore.studio.stage import Page, Stage

HELP = """Blend, vary, edit and invent drum patterns, melodies and sentences with trained models.

Give MIDI files, get MIDI files: `seqvae interpolate a.mid b.mid` writes the steps from one to the
other. Give sentences in quotes, get sentences. Each command explains itself with --help; `seqvae
models` lists the models that come with it.
"""


def command() -> Group:
    """Return the command group."""
    from seqvae.cli import files, importing, learn, play
    from seqvae.cli.music import MusicPresentation
    from seqvae.cli.page import page
    from seqvae.cli.text import TextPresentation
    from seqvae.domains import DOMAINS
    from vaecore.cli import build
    from vaecore.cli.build import bind
    from vaecore.cli.dispatch import Dispatch
    from vaecore.studio.command import studio_command

    music, text = DOMAINS
    shown = MusicPresentation(music)
    group = build(shown, TextPresentation(text), help=HELP)
    for verb in (play.humanize, play.drumify):
        group.add_command(bind(verb, Dispatch((shown,))))
    learning = (learn.prepare, learn.train, importing.import_)
    for verb in (files.show, files.render, page, *learning):
        group.add_command(verb)
    group.add_command(studio_command(_front))
    return group


def _front() -> tuple[Page, Mapping[str, Stage]]:
    from seqvae.studio.stages import front

    return front()


def main() -> None:
    """Run the command; the console script `seqvae`."""
    from vaecore.starting import start

    start(command)
