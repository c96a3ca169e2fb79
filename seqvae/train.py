"""From shards to a model folder: training, then attribute vectors and a prior of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from seqvae.attributes import describe, fit_attributes
from seqvae.data.dataset import WindowLoader
from seqvae.data.shards import read_summary, read_windows
from seqvae.domain import DOMAIN
from seqvae.evaluate import measure
from vaecore.device import fast_bfloat16
from vaecore.errors import DataError
from vaecore.presets import RECIPE
from vaecore.training import fit, recipe
from vaecore.training.loop import CHECKPOINT

if TYPE_CHECKING:
    from seqvae.presets import Preset
    from vaecore.training import FitResult

__all__ = ["RECIPE", "complete", "train"]

VALIDATION_WINDOWS = 1024
CODES = 20_000
"""Windows of the training split that attribute vectors and the prior are fitted on."""


def train(
    preset: Preset,
    shards: Path,
    output: Path,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> FitResult:
    """Train a model on shards written by `prepare`, and leave a complete model folder.

    The folder is written at every better validation, and completed with attribute vectors and a
    mixture prior at the end; an interrupted training leaves the best model so far.

    Args:
        preset: Representation, architecture, objective and recipe.
        shards: Folder of shards of the same representation.
        output: Model folder; logs and the checkpoint to resume from are kept in it, too.
        start: Begin with the weights of this model (a shipped one's name or a folder) instead of
            random ones; its architecture must be the preset's.
        resume: Go on from the checkpoint in `output`.
        progress: Show a progress bar.

    Raises:
        DataError: The shards hold another representation or too few windows.
    """
    codec = preset.make_codec()
    summary = read_summary(shards)
    if summary["representation"] != codec.config:
        raise DataError(
            f"holds {summary['representation']}, the preset needs {codec.config}",
            path=shards,
            remedy="prepare it again, or choose another --preset",
        )
    config = preset.make_training()
    model = recipe.begin(DOMAIN, preset, start)
    model.mixed_precision = fast_bfloat16()
    train_loader = WindowLoader(
        read_windows(shards, "train"),
        config.batch_size,
        augment=preset.make_augmentation(),
        seed=config.seed,
    )
    validation = _spread(read_windows(shards, "validation"), VALIDATION_WINDOWS)
    if not len(train_loader.windows) or not len(validation):
        raise DataError("has no window to train or validate on", path=shards)
    if not resume:
        preset.write(output)
    facts = {
        "augmentation": preset.augmentation,
        "windows": summary["windows"],
        "sources": sorted(summary["sources"]),
    }
    about = recipe.describe(DOMAIN, preset, model, output.name, start, facts)

    result = fit(
        model,
        train_loader,
        WindowLoader(validation, config.batch_size, training=False),
        config,
        output,
        metrics=recipe.metrics(measure),
        save=recipe.saver(DOMAIN, about),
        resume=output / CHECKPOINT if resume else None,
        progress=progress,
    )
    if result.best:  # an interrupted training may not have come to its first validation
        windows = _spread(train_loader.windows, CODES).astype(np.int64)
        complete(output, torch.from_numpy(windows), result)
    return result


def complete(place: Path, windows: Tensor, result: FitResult | None = None) -> None:
    """Add attribute vectors and the mixture prior to a model folder.

    Args:
        place: A model folder.
        windows: Training windows `(n, steps)` to fit them on.
        result: What to note down about the training.
    """
    space = DOMAIN.load(place)
    posterior = space.posterior_of(windows)
    attributes = fit_attributes(space, windows, posterior.mean)
    known = describe(space.codec.name)
    prior = recipe.mixture(posterior)
    recipe.complete(DOMAIN, place, space, prior, attributes, known, result)


def _spread(windows: np.ndarray, limit: int) -> np.ndarray:
    """Return at most `limit` windows, evenly spread over all."""
    if len(windows) <= limit:
        return windows
    return windows[np.linspace(0, len(windows) - 1, limit).astype(int)]
