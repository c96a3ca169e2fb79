"""How faces are shown in the studio."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaecore.cli.presentation import Input
from vaecore.codec import Codec, Example
from vaecore.studio.stage import Page, Stage

HERE = Path(__file__).parent
EXAMPLES = ("ada.png", "bob.png", "cleo.png", "dan.png")
"""Example files of the page, in the folder data/ of the source code."""


class FaceStage(Stage):
    """Shows faces as PNG, which is lossless, and small at these sizes."""

    kind = "picture"
    ending = ".png"

    def about(self, codec: Codec[Any], example: Example) -> Mapping[str, Any]:
        """Return the side of a face in pixels."""
        return {"size": example.x.shape[-1]}

    def shown(self, codec: Codec[Any], example: Example) -> Any:
        """Return the picture as a `data:` address."""
        data = base64.b64encode(self.file(codec, example)).decode()
        return f"data:image/png;base64,{data}"

    def file(self, codec: Codec[Any], example: Example) -> bytes:
        """Return a PNG file."""
        buffer = io.BytesIO()
        codec.decode(example.x, example.context).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def messages(self, codec: Codec[Any], example: Example) -> list[tuple[str, list[Any]]]:
        """Return the PNG file as a blob."""
        return [("/picture", [self.file(codec, example)])]

    def contents(self, input_: Input) -> Mapping[str, Any]:
        """Return the size of a photograph."""
        width, height = input_.content.size
        return {"width": width, "height": height}


def front() -> tuple[Page, Mapping[str, Stage]]:
    """Return the page, and the stage of faces by the subject of their domain."""
    from facevae.domain import DOMAIN
    from facevae.images import SUFFIXES

    data = HERE.parents[1] / "data"
    page = Page(
        "facevae studio",
        HERE / "studio.js",
        endings=SUFFIXES,
        examples=tuple(data / name for name in EXAMPLES),
        looks="picture-studio",
    )
    return page, {DOMAIN.subject: FaceStage()}
