"""From a folder of images to a model folder: training, then attribute vectors and a prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from facevae.adversary import AdversarialModule
from facevae.data.folder import SPLITS, FaceFolder
from facevae.data.loader import FaceLoader, report_broken
from facevae.domain import DOMAIN
from facevae.evaluate import measure
from facevae.pictures import pictures
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import DataError
from vaecore.objective import ImpliedNoise, implied_noise
from vaecore.priors import fit_prior
from vaecore.training import fit, ranks, recipe
from vaecore.training.loop import CHECKPOINT, MakeModule
from vaecore.training.module import TrainingModule

if TYPE_CHECKING:
    from facevae.classifier import FaceClassifier
    from facevae.data.labels import Labels
    from facevae.networks.model import FaceVAE
    from facevae.presets import Preset
    from vaecore.space import LatentSpace
    from vaecore.training import FitResult

VALIDATION_IMAGES = 1024
FIRST = 8192
"""Images that an untrained model is shown at once, to begin from their principal components."""
CODES = 20_000
"""Images of the training part that attribute vectors and the prior are fitted on."""
CLASSIFIABLE = 2000
"""Labelled images from which on a classifier is worth its training."""
COMPONENTS = 4
"""Of the mixture: each has a covariance over all latent dimensions, which needs many codes."""


@dataclass(frozen=True)
class Data:
    """The parts of a folder of images.

    Attributes:
        whole: All images, with labels if there are any.
        train: Those to train on, whether they have labels or not.
        validation: Those that decide which model is kept, at most `VALIDATION_IMAGES`.
        labels: The labels, or None.
    """

    whole: FaceFolder
    train: FaceFolder
    validation: FaceFolder
    labels: Labels | None = None

    @classmethod
    def of(cls, root: Path, preset: Preset, labels: Labels | None = None) -> Data:
        """Return the parts of a folder.

        Raises:
            DataError: The folder holds too few images, or the labels name missing ones.
        """
        whole = FaceFolder(root, preset.make_codec())
        if labels is not None:
            whole.labelled(labels, strict=True)  # refused now, not after hours
        train, validation = whole.split("train"), whole.split("validation")
        return cls(whole, train, _spread(validation, VALIDATION_IMAGES), labels)


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes:
        result: What `vaecore.training.fit` says.
        broken: The problem of each file that could not be used, by name.
        images: How many images there were.
        attributes: Names of the vectors that were made.
    """

    result: FitResult
    broken: dict[str, str]
    images: int
    attributes: list[str] = field(default_factory=list)

    @property
    def report(self) -> str:
        """A line about broken files; empty if there are none."""
        return report_broken(self.broken, self.images)


def noise(model: FaceVAE) -> tuple[float, ImpliedNoise] | None:
    """Return the reconstruction factor that a model is trained with, and what it stands for.

    All that weighs reconstruction against KL counts: the noise of the architecture, the factor and
    the final beta of the objective. Without one of the two terms there is nothing to weigh.
    """
    architecture, objective = model.architecture, model.objective
    terms = (objective.reconstruction_factor, objective.beta.final)
    if objective.mode != "vae" or not all(terms):
        return None
    weight = objective.reconstruction_factor / objective.beta.final
    factor = weight * architecture.dimensions / (2 * architecture.noise**2)
    return factor, implied_noise(factor, architecture.dimensions)


def train(
    preset: Preset,
    data: Data,
    output: Path,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    workers: int | None = None,
    fitter: FaceClassifier | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Trained:
    """Train a model on a folder of images, and leave a complete model folder.

    The folder is written at every better validation, and completed with a fitted prior, and
    attribute vectors if there are labels, at the end. An interrupted training leaves the best
    model so far without these.

    Args:
        preset: Picture size, architecture, objective and recipe.
        data: The images.
        output: Model folder; logs and the checkpoint to resume from are kept in it, too.
        start: Begin with the weights of this model (a shipped one's name or a folder) instead of
            random ones; its architecture must be the preset's.
        resume: Go on from the checkpoint in `output`.
        progress: Show a progress bar.
        workers: Processes that read images; see `FaceLoader`.
        fitter: A classifier that says how long attribute vectors are; see `fit_attributes`.
        say: Told what goes on.

    Raises:
        DataError: Not one image can be used, or there is no checkpoint to resume from.
    """
    config, here = preset.make_training(), ranks.here()
    model = recipe.begin(DOMAIN, preset, start)
    if start is None and not resume and here.first:  # the other ranks get its weights
        first = FaceLoader(_spread(data.train, FIRST), 256, training=False, workers=workers)
        model.start(first)
        first.close()
    loader = FaceLoader(
        data.train,
        config.batch_size,
        seed=config.seed,
        workers=workers,
        accumulate=config.accumulate,
        ranks=here,
    )
    validation = FaceLoader(
        data.validation, config.batch_size, training=False, workers=workers, ranks=here
    )
    if resume and not (output / CHECKPOINT).is_file():
        remedy = "train without resuming"
        raise DataError("there is no checkpoint", path=output / CHECKPOINT, remedy=remedy)
    if not resume and here.first:
        preset.write(output)
    counts = {part: len(data.whole.split(part)) for part in SPLITS}
    facts = {"adversary": preset.adversary, "images": counts}
    about = recipe.describe(DOMAIN, preset, model, output.name, start, facts)

    result = fit(
        model,
        loader,
        validation,
        config,
        output,
        metrics=recipe.metrics(measure),
        pictures=pictures(data.validation) if here.first else None,
        save=recipe.saver(DOMAIN, about),
        resume=output / CHECKPOINT if resume else None,
        progress=progress,
        make_module=_module(preset),
    )
    loader.close()
    validation.close()
    broken = {**loader.broken, **validation.broken}
    done = Trained(result, broken, len(data.whole))
    if not result.best or result.stopped == "interrupted" or not here.first:
        return done
    say(f"  encoding {min(len(data.train), CODES):,} images, for prior and vectors")
    names = complete(
        output, data, preset, result, workers=workers, fitter=fitter, broken=len(broken)
    )
    return Trained(result, broken, len(data.whole), names)


def complete(
    place: Path,
    data: Data,
    preset: Preset | None = None,
    result: FitResult | None = None,
    *,
    workers: int | None = None,
    fitter: FaceClassifier | None = None,
    broken: int = 0,
) -> list[str]:
    """Add attribute vectors and a fitted prior to a model folder.

    Args:
        place: A model folder.
        data: The images it was trained on.
        preset: Says what prior to fit: a flow, or a mixture if there is no word of it.
        result: What to note down about the training.
        workers: Processes that read images.
        fitter: A classifier that says how long attribute vectors are; without it one is trained,
            where there are enough labelled images, and else the codes alone say it.
        broken: How many files could not be used, to be noted down.

    Returns:
        The names of the vectors.
    """
    from facevae.attributes import NAMES, describe, fit_attributes

    space = DOMAIN.load(place)
    posterior, _ = encode(space, _spread(data.train, CODES), workers, mirrored=True)
    flow = preset.prior if preset is not None else {}
    prior = fit_prior(posterior, flow, COMPONENTS)
    vectors, about = {}, {}
    if data.labels is not None:
        labelled = data.train.labelled(data.labels)
        # Of CelebA's forty some; of labels of one's own all.
        known = NAMES if set(NAMES) <= set(labelled.attributes) else labelled.attributes
        if fitter is None and len(labelled) >= CLASSIFIABLE:
            fitter = train_fitter(data, workers)
        codes, values = encode(space, _spread(labelled, CODES), workers)
        columns = [labelled.attributes.index(name) for name in known]
        vectors = fit_attributes(space, codes.mean, values[:, columns], known, fitter)
        about = describe(vectors)
    facts = {"broken": broken, **({"prior": flow} if flow else {})}
    recipe.complete(DOMAIN, place, space, prior, vectors, about, result, facts)
    return list(vectors)


def train_fitter(data: Data, workers: int | None = None) -> FaceClassifier:
    """Return a classifier of the labels, which says how long attribute vectors are.

    Args:
        data: The images and their labels; at most `CODES` of them are held in memory.
        workers: Processes that read images.
    """
    from facevae.classifier import FITTER, SIZE, Faces, train_classifier
    from facevae.codec import FaceCodec

    whole = FaceFolder(data.whole.root, FaceCodec(SIZE)).labelled(data.labels)
    parts = []
    for part in ("train", "validation"):
        loader = FaceLoader(_spread(whole.split(part), CODES), 256, training=False, workers=workers)
        batches = [((x * 255).round().byte(), y.bool()) for x, y in loader]
        loader.close()
        parts.append(Faces(*(torch.cat(each) for each in zip(*batches, strict=True))))
    return train_classifier(*parts, list(whole.attributes), **FITTER)


def encode(
    space: LatentSpace, folder: FaceFolder, workers: int | None = None, mirrored: bool = False
) -> tuple[DiagonalGaussian, Tensor]:
    """Return the posteriors of all usable images of a folder, and their labels.

    The images themselves are never all in memory.

    Args:
        space: The model.
        folder: The images.
        workers: Processes that read images.
        mirrored: Encode the mirror image of each as well.

    Returns:
        Posteriors `(n, latent_dim)`, and bool `(n, attributes)`, or `(n, 0)` without labels.
    """
    means, stddevs, values = [], [], []
    loader = FaceLoader(folder, 256, training=False, workers=workers)
    for batch in loader:
        x, labels = batch if folder.values is not None else (batch, torch.zeros(len(batch), 0))
        for seen in (x, x.flip(3)) if mirrored else (x,):
            posterior = space.posterior_of(seen)
            means.append(posterior.mean)
            stddevs.append(posterior.stddev)
            values.append(labels.bool())
    loader.close()
    return DiagonalGaussian(torch.cat(means), torch.cat(stddevs)), torch.cat(values)


def _module(preset: Preset) -> MakeModule:
    """Return how a step is made: with a critic where the recipe has one."""
    adversary = preset.make_adversary()
    return TrainingModule if adversary is None else partial(AdversarialModule, adversary=adversary)


def _spread(folder: FaceFolder, limit: int) -> FaceFolder:
    """Return at most `limit` images of a folder, evenly spread over all."""
    if len(folder) <= limit:
        return folder
    return folder.select(np.linspace(0, len(folder) - 1, limit).astype(int))
