"""From shards to a model folder: music's part of `vaecore.training.pipeline`."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from seqvae.music.data.shards import ShardedWindows, read_summary, read_windows
from seqvae.music.data.streaming import StreamLoader
from seqvae.music.domain import DOMAIN
from seqvae.music.evaluate import measure
from seqvae.music.networks.growing import grow, regrid
from seqvae.music.networks.parts import parts_basis
from seqvae.music.pictures import pictures
from seqvae.sequences.attributes import describe, fit_attributes
from seqvae.sequences.loader import WindowLoader
from vaecore.errors import DataError
from vaecore.training import pipeline, ranks
from vaecore.training.task import TrainingTask, Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.presets import Preset
    from vaecore.distributions import DiagonalGaussian
    from vaecore.model import VAE
    from vaecore.space import LatentSpace
    from vaecore.training import FitResult, TrainingConfig
    from vaecore.training.watching import Pictures

VALIDATION_WINDOWS, VALIDATION_TOKENS = 1024, 1 << 17
"""Largest numbers of windows and of tokens that a validation measures."""
GROWN = 4096
"""Windows of the training split that growing uses."""
MEASURED_AT_ONCE, FEWEST = 4096, 16
"""Windows whose faults are measured together; fewer good ones than that are too few for a prior."""
CODES, FLOW_CODES, BASIS = 20_000, 80_000, 8192
"""Windows of the training split that are used to fit attribute vectors and a mixture; a flow; and
the basis of a flow."""


class MusicTask(TrainingTask):
    """A recipe on shards of the same representation.

    Args:
        preset: Representation, architecture, objective and recipe.
        shards: Folder of shards that `prepare` wrote.

    Raises:
        DataError: The shards hold another representation, or no windows to train on.
    """

    preset: Preset

    def __init__(self, preset: Preset, shards: Path) -> None:
        self.codec = preset.make_codec()
        self.shards, self.summary = Path(shards), read_summary(shards)
        if self.summary["representation"] != self.codec.config:
            raise DataError(
                f"holds {self.summary['representation']}, the preset needs {self.codec.config}",
                path=shards,
                remedy="prepare it again, or choose another --preset",
            )
        self.windows = ShardedWindows(shards, "train", self.codec.packed_classes)
        decided = preset.make_data().decided(self.windows, ranks.here().local)
        super().__init__(DOMAIN, replace(preset, data=asdict(decided)))
        self._grown = False

    @property
    def command(self) -> str:
        return f"seqvae train --data {self.shards.name}"

    def begin(self, model: VAE, start: str | Path | None, resume: bool) -> None:
        self._grown = bool(self.preset.grow) and start is None
        if self._grown and not resume:
            begin_grown(cast("SequenceVAE", model), self.preset, self.windows)
        if self.preset.encoder:
            take_encoder(model, self.preset.encoder)

    def facts(self) -> dict[str, Any]:
        preset = self.preset
        return {
            "augmentation": preset.augmentation,
            **({"grown_from": preset.grow} if self._grown else {}),
            **({"encoder_of": Path(preset.encoder).name} if preset.encoder else {}),
            "windows": self.summary["windows"],
            "sources": sorted(self.summary["sources"]),
        }

    @cached_property
    def validation(self) -> np.ndarray:
        """The windows that a validation measures, packed as in shards."""
        classes = self.codec.packed_classes
        measured = min(VALIDATION_WINDOWS, VALIDATION_TOKENS // self.codec.width)
        return ShardedWindows(self.shards, "validation", classes).spread(measured)

    def loaders(self, config: TrainingConfig) -> tuple[WindowLoader, WindowLoader]:
        preset, here, unpack = self.preset, ranks.here(), self.codec.unpack
        options: dict[str, Any] = {
            "unpack": unpack,
            "augment": preset.make_augmentation(),
            "seed": config.seed,
            "accumulate": config.accumulate,
            "ranks": here,
        }
        size = config.batch_size
        validation = WindowLoader(self.validation, size, unpack=unpack, training=False, ranks=here)
        if preset.make_data().stream == "always":
            return StreamLoader(self.windows, size, **options), validation
        rows = read_windows(self.shards, "train", self.codec.packed_classes)
        return WindowLoader(rows, size, **options), validation

    def measure(self, model: VAE, x: Tensor) -> dict[str, Any]:
        return measure(cast("SequenceVAE", model), x)

    def pictures(self) -> Pictures:
        return pictures(self.codec, self.validation)

    def encode(self, space: LatentSpace[Any]) -> DiagonalGaussian:
        rows = self.windows.spread(FLOW_CODES if self._flow_settings else CODES)
        self._x = torch.from_numpy(self.codec.unpack(rows))
        posterior = space.posterior_of(self._x, refine=False)
        self._codes = posterior.mean
        self._good = torch.arange(len(self._x))
        if self.preset.prior.get("good_windows_only"):
            self._good = self._good[self._without_faults()]
        return posterior[self._good]

    def _without_faults(self) -> Tensor:
        """Return which windows are perceived to be without a fault, `(n,)`.

        All count as such where hardly any is, or where that cannot be told of the representation:
        a prior of few windows would make these again.
        """
        perception = self.codec.perception
        everything = torch.ones(len(self._x), dtype=torch.bool)
        if perception is None:
            return everything
        good = torch.cat([perception.faults(part) == 0 for part in self._x.split(MEASURED_AT_ONCE)])
        return good if good.sum() >= FEWEST else everything

    @property
    def _flow_settings(self) -> dict[str, Any]:
        """The settings of the flow; there are none where a mixture is fitted."""
        about = ("good_windows_only", "temperature")
        return {k: v for k, v in self.preset.prior.items() if k not in about}

    def prior_settings(
        self, space: LatentSpace[Any], posterior: DiagonalGaussian
    ) -> dict[str, Any]:
        settings = self._flow_settings
        parts = settings.pop("parts", [])
        if parts:
            x = self._x[self._good]
            rows = _spread(len(x), BASIS)
            smalls = _models(parts)
            try:
                groups = settings["groups"]
                settings["basis"] = parts_basis(posterior.mean[rows], x[rows], smalls, groups)
                settings["condition"] = space.codec.condition(x, groups)
            except (KeyError, ValueError) as error:
                raise DataError(f"no prior of parts {', '.join(parts)}: {error}") from error
        return settings

    def vectors(self, space: LatentSpace[Any]) -> Vectors:
        few = _spread(len(self._x), CODES)
        vectors = fit_attributes(space, self._x[few], self._codes[few])
        return Vectors(vectors, describe(space.codec, self._x[few]))


def train(
    preset: Preset,
    shards: Path,
    output: Path,
    *,
    start: str | Path | None = None,
    **options: Any,
) -> FitResult:
    """Train a model on shards written by `prepare`, and write a complete model folder.

    Args:
        preset: Representation, architecture, objective and recipe.
        shards: Folder of shards of the same representation.
        output: Model folder.
        start: Begin with the weights of this model.
        options: resume, progress, callbacks, logger; see `vaecore.training.pipeline.train`.

    Raises:
        DataError: The shards hold another representation or too few windows.
    """
    return pipeline.train(MusicTask(preset, shards), output, start=start, **options).result


def begin_grown(model: SequenceVAE, preset: Preset, windows: ShardedWindows) -> None:
    """Initialise a model from the models of shorter windows that its recipe names.

    A flat model begins with one of windows of another number of steps.

    Args:
        model: Untrained; changed in place.
        preset: Its recipe.
        windows: The training split.

    Raises:
        DataError: They do not fit together.
    """
    smalls = _models(preset.grow)
    if not model.architecture.levels and len(smalls) == 1:
        try:
            return regrid(model, smalls[0])
        except ValueError as error:
            raise DataError(f"cannot begin with {preset.grow[0]}: {error}") from error
    x = torch.from_numpy(preset.make_codec().unpack(windows.spread(GROWN)))
    # Augmented as in training, for example transposed.
    x = preset.make_augmentation()(x, torch.Generator().manual_seed(0))
    try:
        grow(model, smalls, x)
    except ValueError as error:
        raise DataError(f"cannot grow from {', '.join(preset.grow)}: {error}") from error


def _models(names: Sequence[str]) -> list[SequenceVAE]:
    return [cast("SequenceVAE", DOMAIN.load(name).model) for name in names]


def take_encoder(model: VAE, name: str | Path) -> None:
    """Copy the encoder of another model to a model, and freeze it.

    Args:
        model: Changed in place.
        name: The other model: a shipped one's name, or a folder.

    Raises:
        DataError: Their encoders differ in architecture.
    """
    taken = DOMAIN.load(name).model.encoder
    try:
        model.encoder.load_state_dict(taken.state_dict())
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise DataError(f"the encoder of {name} does not fit the recipe's: {first}") from error
    model.freeze("encoder")


def _spread(count: int, limit: int) -> Tensor:
    """Return the indices of at most `limit` of `count` rows, evenly spread."""
    return torch.linspace(0, count - 1, min(limit, count)).long()
