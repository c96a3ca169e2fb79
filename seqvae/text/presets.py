"""Presets: recipes from vocabulary to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaecore import presets

if TYPE_CHECKING:
    from seqvae.text.codec import TextCodec
    from vaecore.model import VAE

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset(presets.Preset):
    """A recipe for a text model; the architecture holds fields of `SentenceArchitecture`.

    Steps and classes of the architecture come from the codec.
    """

    def make_codec(self) -> TextCodec:
        """Return the codec of the representation."""
        from seqvae.text.codec import make_codec

        return make_codec(self.representation)

    def make_model(self) -> VAE:
        """Return the untrained model; its weights depend on torch's global generator."""
        from seqvae.text.domain import DOMAIN
        from vaecore.objective import Objective

        codec = self.make_codec()
        values = {"steps": codec.steps, "classes": codec.classes, **self.architecture}
        return DOMAIN.make_model(values, Objective.from_config(self.objective))


def preset_names(path: Path = PRESETS) -> list[str]:
    """Return the names of the presets in a file."""
    return presets.preset_names(path)


def load_preset(name: str, settings: Sequence[str] = (), path: Path = PRESETS) -> Preset:
    """Return a preset, changed by settings, and checked; see `vaecore.presets.load_preset`."""
    return presets.load_preset(Preset, name, settings, path)
