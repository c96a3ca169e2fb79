"""Presets: recipes from picture size to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore import presets

if TYPE_CHECKING:
    from facevae.codec import FaceCodec
    from facevae.networks.critic import Adversary
    from facevae.networks.model import FaceVAE

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset(presets.Preset):
    """A recipe for a face model; the architecture holds fields of `FaceArchitecture`.

    Attributes:
        adversary: Fields of `facevae.networks.critic.Adversary`; empty trains without a critic.
    """

    adversary: dict[str, Any] = field(default_factory=dict)

    def make_codec(self) -> FaceCodec:
        """Return the codec of the representation."""
        from facevae.codec import make_codec

        return make_codec(self.representation)

    def make_model(self) -> FaceVAE:
        """Return the untrained model; its weights depend on torch's global generator."""
        from facevae.domain import make_model
        from vaecore.objective import Objective

        codec = self.make_codec()
        architecture = {"size": codec.size, **self.architecture}
        model = make_model(architecture, Objective.from_config(self.objective))
        codec.check(model)
        return model

    def make_adversary(self) -> Adversary | None:
        """Return the settings of the critic, or None for a training without one."""
        from facevae.networks.critic import Adversary
        from vaecore.config import build

        return build(Adversary, self.adversary, "adversary") if self.adversary else None

    def make_all(self) -> None:
        """Build everything the sections describe, to check them."""
        super().make_all()
        self.make_adversary()


def preset_names(path: Path = PRESETS) -> list[str]:
    """Return the names of the presets in a file."""
    return presets.preset_names(path)


def load_preset(name: str, settings: Sequence[str] = (), path: Path = PRESETS) -> Preset:
    """Return a preset, changed by settings, and checked; see `vaecore.presets.load_preset`."""
    return presets.load_preset(Preset, name, settings, path)
