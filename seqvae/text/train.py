"""From a text file to a model folder: the vocabulary, the training, attributes and a prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from seqvae.sequences.attributes import describe, fit_attributes
from seqvae.text.codec import TextCodec
from seqvae.text.data import read_sentences, split
from seqvae.text.domain import DOMAIN
from seqvae.text.evaluate import accuracies
from seqvae.text.loader import SentenceLoader
from vaecore.errors import DataError
from vaecore.priors import fit_prior
from vaecore.training import fit, ranks, recipe
from vaecore.training.loop import CHECKPOINT

if TYPE_CHECKING:
    from seqvae.text.presets import Preset
    from vaecore.training import FitResult

VALIDATION = 1024
"""Sentences that a validation looks at."""
CODES = 20_000
"""Sentences of the training split that attribute vectors and the prior are fitted on."""


def train(
    preset: Preset,
    files: Sequence[Path],
    output: Path,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> FitResult:
    """Train a model on sentences, and leave a complete model folder.

    One sentence in fifty is held out, by a hash of what it says, to choose the best step on. The
    vocabulary is learned from the others, unless the recipe brings one; it has as many classes as
    the recipe's architecture. Otherwise as `seqvae.music.train.train`.

    Args:
        preset: Representation, architecture, objective and recipe.
        files: Text files with one sentence in each line.
        output: Model folder; logs and the checkpoint to resume from are kept in it, too.
        start: Begin with weights and vocabulary of this model.
        resume: Go on from the checkpoint in `output`.
        progress: Show a progress bar.

    Raises:
        DataError: A file cannot be used, or there are too few sentences.
    """
    sentences = split(read_sentences(files))
    preset = decided(preset, sentences.train, start)
    codec = preset.make_codec()
    windows, held_out = (codec.encode_all(part) for part in sentences)
    if not len(windows) or not len(held_out):
        text = f"no sentence has at most {codec.steps} pieces of words"
        raise DataError(text, path=files[0], remedy="raise representation.steps")
    config, here = preset.make_training(), ranks.here()
    model = recipe.begin(DOMAIN, preset, start)
    if not resume and here.first:
        preset.write(output)
    counted = {"train": len(windows), "validation": len(held_out)}
    left_out = sum(map(len, sentences)) - sum(counted.values())
    facts = {"sentences": counted, "left_out": left_out, "sources": [p.name for p in files]}
    about = recipe.describe(DOMAIN, preset, model, output.name, start, facts)
    options = {"seed": config.seed, "accumulate": config.accumulate, "ranks": here}
    result = fit(
        model,
        SentenceLoader(_small(windows), config.batch_size, **options),
        SentenceLoader(
            _small(held_out[:VALIDATION]), config.batch_size, training=False, ranks=here
        ),
        config,
        output,
        metrics=recipe.metrics(accuracies),
        save=recipe.saver(DOMAIN, about),
        resume=output / CHECKPOINT if resume else None,
        progress=progress,
    )
    # An interrupted training may not have come to its first validation.
    if result.best and here.first:
        spread = windows[:: max(1, len(windows) // CODES)][:CODES]
        complete(output, spread, result, preset.prior)
    return result


def decided(preset: Preset, sentences: Sequence[str], start: str | Path | None = None) -> Preset:
    """Return a recipe that has its vocabulary, so that a training that resumes has the same.

    Args:
        preset: The recipe.
        sentences: To learn a vocabulary from, where the recipe has none.
        start: The model whose vocabulary is taken in that case.
    """
    codec = preset.make_codec()
    if not isinstance(codec, TextCodec):
        name = preset.representation.get("name")
        raise DataError(f"preset {preset.name} is for {name}", remedy="choose one for text")
    if not codec.pieces and start is not None:
        codec = DOMAIN.load(start).codec
    if not codec.pieces:
        codec = TextCodec.learn(sentences, codec.steps, preset.architecture["classes"])
    architecture = {**preset.architecture, "classes": codec.classes}
    return replace(preset, representation=codec.config, architecture=architecture)


def complete(
    place: Path,
    windows: Tensor,
    result: FitResult | None = None,
    flow: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Add attribute vectors and a prior to a model folder.

    Args:
        place: A model folder.
        windows: Training sentences `(n, steps)` to fit them on.
        result: What to note down about the training.
        flow: Arguments of `Flow.fit`; the prior is a mixture without them.
    """
    space = DOMAIN.load(place)
    posterior = space.posterior_of(windows)
    attributes = fit_attributes(space, windows, posterior.mean)
    prior = fit_prior(posterior, flow)
    facts = {"prior": dict(flow)} if flow else {}
    known = describe(space.codec)
    recipe.complete(DOMAIN, place, space, prior, attributes, known, result, facts)


def _small(windows: Tensor) -> np.ndarray:
    """Return class indices as the loader keeps them."""
    return windows.numpy().astype(np.uint16)
