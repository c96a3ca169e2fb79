"""From text files to a model folder: text's part of `vaecore.training.pipeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch import Tensor

from seqvae.sequences.attributes import describe, fit_attributes
from seqvae.text.codec import TextCodec
from seqvae.text.data import read_sentences, split
from seqvae.text.domain import DOMAIN
from seqvae.text.evaluate import accuracies
from seqvae.text.loader import SentenceLoader
from vaecore.errors import DataError
from vaecore.training import pipeline, ranks
from vaecore.training.task import TrainingTask, Vectors

if TYPE_CHECKING:
    from seqvae.text.network import SentenceVAE
    from seqvae.text.presets import Preset
    from vaecore.distributions import DiagonalGaussian
    from vaecore.model import VAE
    from vaecore.space import LatentSpace
    from vaecore.training import FitResult, TrainingConfig

VALIDATION = 1024
"""Most sentences that a validation measures."""
CODES = 20_000
"""Most sentences of the training split to which attribute vectors and the prior are fitted."""


class TextTask(TrainingTask):
    """A recipe on text files.

    One sentence in fifty is held out for validation, by a hash of its text. From the others a
    vocabulary of the architecture's number of classes is learned, unless the recipe has one.

    Args:
        preset: The recipe.
        files: Text files with one sentence in each line.
        start: The model whose vocabulary is used if the recipe has none.

    Raises:
        DataError: A file cannot be used, or there are too few sentences.
    """

    def __init__(
        self, preset: Preset, files: Sequence[Path], start: str | Path | None = None
    ) -> None:
        sentences = split(read_sentences(files))
        preset = decided(preset, sentences.train, start)
        super().__init__(DOMAIN, preset)
        codec = preset.make_codec()
        self.files, self.read = files, sum(map(len, sentences))
        self.windows, self.held_out = (codec.encode_all(part) for part in sentences)
        if not len(self.windows) or not len(self.held_out):
            text = f"no sentence has at most {codec.steps} pieces of words"
            raise DataError(text, path=files[0], remedy="raise representation.steps")

    @property
    def command(self) -> str:
        return f"seqvae train {' '.join(path.name for path in self.files)}"

    def facts(self) -> dict[str, Any]:
        counted = {"train": len(self.windows), "validation": len(self.held_out)}
        left_out = self.read - sum(counted.values())
        sources = [path.name for path in self.files]
        return {"sentences": counted, "left_out": left_out, "sources": sources}

    def loaders(self, config: TrainingConfig) -> tuple[SentenceLoader, SentenceLoader]:
        size, here = config.batch_size, ranks.here()
        options: dict[str, Any] = {"seed": config.seed, "accumulate": config.accumulate}
        validation = _small(self.held_out[:VALIDATION])
        return (
            SentenceLoader(_small(self.windows), size, ranks=here, **options),
            SentenceLoader(validation, size, training=False, ranks=here),
        )

    def measure(self, model: VAE, x: Tensor) -> dict[str, Any]:
        return accuracies(cast("SentenceVAE", model), x)

    def encode(self, space: LatentSpace[Any]) -> DiagonalGaussian:
        self._x = self.windows[:: max(1, len(self.windows) // CODES)][:CODES]
        posterior = space.posterior_of(self._x)
        self._codes = posterior.mean
        return posterior

    def vectors(self, space: LatentSpace[Any]) -> Vectors:
        return Vectors(fit_attributes(space, self._x, self._codes), describe(space.codec))


def train(
    preset: Preset,
    files: Sequence[Path],
    output: Path,
    *,
    start: str | Path | None = None,
    **options: Any,
) -> FitResult:
    """Train a model on sentences, and write a complete model folder.

    Args:
        preset: The recipe.
        files: Text files with one sentence in each line; see `TextTask`.
        output: The model folder.
        start: A model whose weights and vocabulary are used at the start.
        options: resume, progress, callbacks, logger; see `vaecore.training.pipeline.train`.

    Returns:
        The result of the training.

    Raises:
        DataError: A file cannot be used, or there are too few sentences.
    """
    return pipeline.train(TextTask(preset, files, start), output, start=start, **options).result


def decided(preset: Preset, sentences: Sequence[str], start: str | Path | None = None) -> Preset:
    """Return a recipe with a vocabulary, so that a resumed training has the same one.

    Args:
        preset: The recipe.
        sentences: The vocabulary is learned from these if neither the recipe nor `start` has one.
        start: The model whose vocabulary is used if the recipe has none.
    """
    codec = preset.make_codec()
    if not codec.pieces and start is not None:
        codec = cast("TextCodec", DOMAIN.load(start).codec)
    if not codec.pieces:
        codec = TextCodec.learn(sentences, codec.steps, preset.architecture["classes"])
    architecture = {**preset.architecture, "classes": codec.classes}
    return replace(preset, representation=codec.config, architecture=architecture)


def _small(windows: Tensor) -> np.ndarray:
    """Return class indices as uint16, for the loader."""
    return windows.numpy().astype(np.uint16)
