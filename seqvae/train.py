"""From shards to a model folder: training, then attribute vectors and a prior of its own."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from seqvae.attributes import describe, fit_attributes
from seqvae.data.dataset import WindowLoader
from seqvae.data.shards import read_summary, read_windows
from seqvae.data.streaming import ShardedWindows, StreamLoader
from seqvae.domain import DOMAIN
from seqvae.evaluate import measure
from seqvae.pictures import pictures
from vaecore.errors import DataError
from vaecore.presets import RECIPE
from vaecore.training import fit, ranks, recipe
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
    config, here = preset.make_training(), ranks.here()
    model = recipe.begin(DOMAIN, preset, start)
    windows = ShardedWindows(shards, "train")
    validation = ShardedWindows(shards, "validation").spread(VALIDATION_WINDOWS)
    # The recipe says what was decided, so that a training that resumes sees the same batches.
    decided = preset.make_data().decided(windows, here.local)
    preset = replace(preset, data=asdict(decided))
    if not resume and here.first:
        preset.write(output)
    facts = {
        "augmentation": preset.augmentation,
        "windows": summary["windows"],
        "sources": sorted(summary["sources"]),
    }
    about = recipe.describe(DOMAIN, preset, model, output.name, start, facts)

    result = fit(
        model,
        _loader(preset, shards, windows),
        WindowLoader(validation, config.batch_size, training=False, ranks=here),
        config,
        output,
        metrics=recipe.metrics(measure),
        pictures=pictures(codec, validation),
        save=recipe.saver(DOMAIN, about),
        resume=output / CHECKPOINT if resume else None,
        progress=progress,
    )
    # An interrupted training may not have come to its first validation.
    if result.best and here.first:
        complete(output, torch.from_numpy(windows.spread(CODES).astype(np.int64)), result)
    return result


def _loader(preset: Preset, shards: Path, windows: ShardedWindows) -> WindowLoader:
    """Return the training batches, from memory or from disk as the recipe says."""
    config = preset.make_training()
    options = {
        "augment": preset.make_augmentation(),
        "seed": config.seed,
        "accumulate": config.accumulate,
        "ranks": ranks.here(),
    }
    if preset.make_data().stream == "always":
        return StreamLoader(windows, config.batch_size, **options)
    return WindowLoader(read_windows(shards, "train"), config.batch_size, **options)


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
    known = describe(space.codec)
    prior = recipe.mixture(posterior)
    recipe.complete(DOMAIN, place, space, prior, attributes, known, result)
