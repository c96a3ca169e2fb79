"""Presets: recipes from representation to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from seqvae.music.domain import DOMAIN
from vaecore import presets
from vaecore.config import build

if TYPE_CHECKING:
    from seqvae.music.data.streaming import DataConfig
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.sequences.loader import Augmentation
    from vaecore.training.config import FlowConfig

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset(presets.Preset):
    """A recipe for a sequence model.

    The architecture holds fields of `SequenceArchitecture`; steps and classes come from the codec.

    Attributes:
        augmentation: Names of augmentations and their arguments.
        data: Fields of `seqvae.music.data.streaming.DataConfig`.
        prior: Also `good_windows_only`: it is fitted to the codes of windows in which the codec's
            perception finds no fault (for melodies: what `benchmarks/between.py` does not call
            poor), unless hardly any has none; without other settings it is a mixture. And
            `temperature`, at which samples are drawn from it; see `ModelConfig`. And `parts`:
            models of short windows, one for each voice; each group of dimensions of the flow then
            describes one part of a window. See `networks.parts`.
        grow: Models of short windows from which a model of long ones is initialised, one for each
            voice: names of shipped models, or folders; see `networks.growing`. A flat model is
            initialised from one of another number of steps. Empty initialises at random.
        encoder: A model, a name or a folder, whose encoder is used frozen, so that only the decoder
            is trained; see `vaecore.VAE.freeze`. Empty trains both.
    """

    domain, shipped = DOMAIN, PRESETS
    augmentation: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    grow: list[str] = field(default_factory=list)
    encoder: str = ""

    def make_codec(self) -> SequenceCodec:
        return cast("SequenceCodec", super().make_codec())

    def make_augmentation(self) -> Augmentation:
        """Return the augmentation of training batches."""
        from seqvae.music.data.augment import make_augmentation

        return make_augmentation(self.augmentation, self.make_codec())

    def make_data(self) -> DataConfig:
        """Return how the training split is read."""
        from seqvae.music.data.streaming import DataConfig

        return build(DataConfig, self.data, "data")

    def prior_config(self) -> type[FlowConfig]:
        from pydantic import Field

        from vaecore.config import HOTTEST
        from vaecore.training.config import FlowConfig

        class PriorConfig(FlowConfig):
            parts: list[str] = Field(default_factory=list)
            good_windows_only: bool = False
            temperature: float = Field(1.0, gt=0, le=HOTTEST)

        return PriorConfig

    def make_all(self) -> None:
        super().make_all()
        if self.prior.get("parts") and self.prior.get("groups", 1) < 2:
            raise ValueError("prior: parts need groups, one for each part of a window")
        self.make_augmentation()
        self.make_data()


load_preset = Preset.load
