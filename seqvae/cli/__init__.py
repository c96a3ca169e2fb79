"""The `seqvae` command: the shared verbs for music, and show, render, prepare and train.

    music    how music is chosen, written and shown at the command line
    strip    the small picture of many windows: one line each
    files    show and render, which need no model
    learn    prepare and train

No verb imports torch before it needs it: `--help` and bad inputs are answered at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaecore.cli import Group

HELP = """Blend, vary, edit and invent drum patterns and melodies with trained models.

Give MIDI files, get MIDI files: `seqvae interpolate a.mid b.mid` writes the way from one to the
other. Every verb explains itself with --help; `seqvae models` lists what is in the box.
"""


def command() -> Group:
    """Return the command group."""
    from seqvae.cli import files, learn
    from seqvae.cli.music import MusicPresentation
    from seqvae.domain import DOMAIN
    from vaecore.cli import build

    def evaluate(*args: Any, **options: Any) -> dict[str, Any]:
        from seqvae.evaluate import evaluate

        return evaluate(*args, **options)

    group = build(DOMAIN, MusicPresentation(), help=HELP, evaluate=evaluate)
    for verb in (files.show, files.render, learn.prepare, learn.train):
        group.add_command(verb)
    return group


def main() -> None:
    """Run the command; the console script `seqvae`."""
    command().run()
