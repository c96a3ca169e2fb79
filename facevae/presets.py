"""Presets: recipes from picture size to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from facevae.domain import DOMAIN
from vaecore import presets

if TYPE_CHECKING:
    from facevae.codec import FaceCodec
    from facevae.directions import DirectionSettings
    from facevae.networks.critic import Adversary

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset(presets.Preset):
    """A recipe for a face model; the architecture holds fields of `FaceArchitecture`.

    Attributes:
        adversary: Fields of `facevae.networks.critic.Adversary`; empty trains without a critic.
        directions: Fields of `facevae.directions.DirectionSettings`; empty trains no directions.
        enlarges: A shipped model's name or a folder: the model whose pictures this one draws at
            twice their size. Its networks are frozen and the last stage of the decoder is trained;
            its prior, attribute vectors and directions are kept.
    """

    domain, shipped = DOMAIN, PRESETS
    adversary: dict[str, Any] = field(default_factory=dict)
    directions: dict[str, Any] = field(default_factory=dict)
    enlarges: str = ""

    def make_codec(self) -> FaceCodec:
        return cast("FaceCodec", super().make_codec())

    def make_adversary(self) -> Adversary | None:
        """Return the settings of the critic, or None for a training without one."""
        from facevae.networks.critic import Adversary
        from vaecore.config import build

        return build(Adversary, self.adversary, "adversary") if self.adversary else None

    def make_directions(self) -> DirectionSettings | None:
        """Return how directions are trained, or None for a training without them."""
        from facevae.directions import DirectionSettings
        from vaecore.config import build

        settings = build(DirectionSettings, self.directions, "directions")
        return settings if settings.steps else None

    def make_all(self) -> None:
        super().make_all()
        self.make_adversary()
        self.make_directions()


load_preset = Preset.load
