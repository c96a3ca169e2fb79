"""The `seqvae` command: the shared verbs for music, and those of its own.

    music    how music is chosen, written and shown at the command line
    text     the same for sentences
    strip    the small picture of many windows: one line each
    play     humanize and drumify
    files    show and render, which need no model
    learn    prepare and train

No verb imports torch before it needs it: `--help` and bad inputs are answered at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaecore.cli import Group
    from vaecore.space import LatentSpace

HELP = """Blend, vary, edit and invent drum patterns, melodies and sentences with trained models.

Give MIDI files, get MIDI files: `seqvae interpolate a.mid b.mid` writes the way from one to the
other. Give sentences in quotes, get sentences. Every verb explains itself with --help; `seqvae
models` lists what is in the box.
"""


def command() -> Group:
    """Return the command group."""
    from seqvae.cli import files, learn, play
    from seqvae.cli.music import MusicPresentation
    from seqvae.music.domain import DOMAIN
    from vaecore.cli import build
    from vaecore.cli.build import bind

    def evaluate(space: LatentSpace, *args: Any, **options: Any) -> dict[str, Any]:
        place = "seqvae.text" if space.codec.name == "text" else "seqvae.music"
        return import_module(f"{place}.evaluate").evaluate(space, *args, **options)

    music = MusicPresentation()
    group = build(DOMAIN, music, help=HELP, evaluate=evaluate)
    for verb in (play.humanize, play.drumify):
        group.add_command(bind(verb, DOMAIN, music))
    for verb in (files.show, files.render, learn.prepare, learn.train):
        group.add_command(verb)
    return group


def main() -> None:
    """Run the command; the console script `seqvae`."""
    command().run()
