"""From shards to a model folder: training, then attribute vectors and a prior of its own."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from seqvae.music.data.shards import read_summary, read_windows
from seqvae.music.data.streaming import ShardedWindows, StreamLoader
from seqvae.music.domain import DOMAIN
from seqvae.music.evaluate import measure
from seqvae.music.networks.growing import grow
from seqvae.music.networks.parts import parts_basis
from seqvae.music.pictures import pictures
from seqvae.sequences.attributes import describe, fit_attributes
from seqvae.sequences.loader import WindowLoader
from vaecore.errors import DataError
from vaecore.presets import RECIPE
from vaecore.priors import fit_prior
from vaecore.training import fit, ranks, recipe
from vaecore.training.loop import CHECKPOINT

if TYPE_CHECKING:
    from seqvae.music.networks.model import SequenceVAE
    from seqvae.music.presets import Preset
    from vaecore.training import FitResult

__all__ = ["RECIPE", "complete", "train"]

VALIDATION_WINDOWS, VALIDATION_TOKENS = 1024, 1 << 17
"""How much a validation measures: so many windows, or fewer where they have many tokens."""
GROWN = 4096
"""Windows of the training split that a model is grown on."""
CODES, FLOW_CODES, BASIS = 20_000, 80_000, 8192
"""Windows of the training split that attribute vectors and a mixture are fitted on, and a flow, and
the basis of one."""


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
    if preset.grow and start is None and not resume:
        begin_grown(model, preset, windows)
    if preset.encoder:
        take_encoder(model, preset.encoder)
    measured = min(VALIDATION_WINDOWS, VALIDATION_TOKENS // codec.width)
    validation = ShardedWindows(shards, "validation").spread(measured)
    # The recipe says what was decided, so that a training that resumes sees the same batches.
    decided = preset.make_data().decided(windows, here.local)
    preset = replace(preset, data=asdict(decided))
    if not resume and here.first:
        preset.write(output)
    facts = {
        "augmentation": preset.augmentation,
        **({"grown_from": preset.grow} if preset.grow and start is None else {}),
        **({"encoder_of": Path(preset.encoder).name} if preset.encoder else {}),
        "windows": summary["windows"],
        "sources": sorted(summary["sources"]),
    }
    about = recipe.describe(DOMAIN, preset, model, output.name, start, facts)

    result = fit(
        model,
        _loader(preset, shards, windows),
        WindowLoader(
            validation, config.batch_size, unpack=codec.unpack, training=False, ranks=here
        ),
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
        complete(output, windows, preset, result)
    return result


def begin_grown(model: SequenceVAE, preset: Preset, windows: ShardedWindows) -> None:
    """Let a model begin with the models of shorter windows that its recipe names.

    Args:
        model: Untrained; changed in place.
        preset: Its recipe.
        windows: The training split.

    Raises:
        DataError: They do not fit together.
    """
    smalls = [DOMAIN.load(name).model for name in preset.grow]
    x = torch.from_numpy(preset.make_codec().unpack(windows.spread(GROWN)))
    # As they will come in training: transposed, say.
    x = preset.make_augmentation()(x, torch.Generator().manual_seed(0))
    try:
        grow(model, smalls, x)
    except ValueError as error:
        raise DataError(f"cannot begin with {', '.join(preset.grow)}: {error}") from error


def take_encoder(model: SequenceVAE, name: str | Path) -> None:
    """Give a model the encoder of another, for good: training leaves it as it is.

    Args:
        model: Changed in place.
        name: The other, a shipped one's name or a folder.

    Raises:
        DataError: Their encoders are not alike.
    """
    taken = DOMAIN.load(name).model.encoder
    try:
        model.encoder.load_state_dict(taken.state_dict())
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise DataError(f"the encoder of {name} does not fit the recipe's: {first}") from error
    model.rest_encoder()


def _loader(preset: Preset, shards: Path, windows: ShardedWindows) -> WindowLoader:
    """Return the training batches, from memory or from disk as the recipe says."""
    config = preset.make_training()
    options = {
        "unpack": preset.make_codec().unpack,
        "augment": preset.make_augmentation(),
        "seed": config.seed,
        "accumulate": config.accumulate,
        "ranks": ranks.here(),
    }
    if preset.make_data().stream == "always":
        return StreamLoader(windows, config.batch_size, **options)
    return WindowLoader(read_windows(shards, "train"), config.batch_size, **options)


def complete(
    place: Path,
    windows: ShardedWindows,
    preset: Preset | None = None,
    result: FitResult | None = None,
) -> None:
    """Add attribute vectors and a fitted prior to a model folder.

    Args:
        place: A model folder.
        windows: The training split, to fit them on.
        preset: Says what prior to fit: a flow, or a mixture if there is no word of it.
        result: What to note down about the training.
    """
    space = DOMAIN.load(place)
    flow = dict(preset.prior) if preset is not None else {}
    facts = {"prior": dict(flow)} if flow else {}
    parts = flow.pop("parts", [])
    x = torch.from_numpy(space.codec.unpack(windows.spread(FLOW_CODES if flow else CODES)))
    posterior = space.posterior_of(x)
    few = torch.linspace(0, len(x) - 1, min(CODES, len(x))).long()
    attributes = fit_attributes(space, x[few], posterior.mean[few])
    if parts:
        rows = torch.linspace(0, len(x) - 1, min(BASIS, len(x))).long()
        smalls = [DOMAIN.load(name).model for name in parts]
        try:
            groups = flow["groups"]
            flow["basis"] = parts_basis(posterior.mean[rows], x[rows], smalls, groups)
            flow["condition"] = space.codec.condition(x, groups)
        except (KeyError, ValueError) as error:
            raise DataError(f"no prior of parts {', '.join(parts)}: {error}") from error
    prior = fit_prior(posterior, flow)
    known = describe(space.codec)
    recipe.complete(DOMAIN, place, space, prior, attributes, known, result, facts)
