"""Presets: recipes from vocabulary to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from seqvae.text.domain import DOMAIN
from vaecore import presets

if TYPE_CHECKING:
    from seqvae.text.codec import TextCodec

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset(presets.Preset):
    """A recipe for a text model; the architecture holds fields of `SentenceArchitecture`.

    Steps and classes of the architecture come from the codec.
    """

    domain, shipped = DOMAIN, PRESETS

    def make_codec(self) -> TextCodec:
        return cast("TextCodec", super().make_codec())


load_preset = Preset.load
