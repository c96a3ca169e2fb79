"""The `facevae` command: the shared verbs for faces, and align and train.

    faces         the presentation of faces: how pictures are read, written and shown
    photographs   the face that is taken from a photograph
    pages         the arrangement of pictures on a sheet, for each verb
    own           attribute (with labels), align and train
    page          a model in one HTML file

Verbs import torch late, so that `--help` and errors in the inputs are quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaecore.cli import Group
    from vaecore.studio.stage import Page, Stage

HELP = """Morph, vary, edit and invent faces with trained models.

`facevae morph a.jpg b.jpg` writes a film from one face to the other. Each command explains
itself with --help; `facevae models` lists the models that come with it.
"""


def command() -> Group:
    """Return the command group."""
    from facevae import domain
    from facevae.cli import own
    from facevae.cli.faces import FacePresentation
    from facevae.cli.page import page
    from vaecore.cli import build
    from vaecore.cli.build import bind
    from vaecore.cli.dispatch import Dispatch
    from vaecore.studio.command import studio_command

    faces = FacePresentation(domain.DOMAIN)
    group = build(faces, help=HELP, names={"interpolate": "morph"})
    for verb in (own.align, own.train, page):
        group.add_command(verb)
    group.add_command(bind(own.attribute, Dispatch((faces,))))
    group.add_command(studio_command(_front))
    return group


def _front() -> tuple[Page, Mapping[str, Stage]]:
    from facevae.studio.stages import front

    return front()


def main() -> None:
    """Run the command; the console script `facevae`."""
    from vaecore.starting import start

    start(command)
