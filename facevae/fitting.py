"""What is fitted to faces beside a model: its codes, attribute vectors, a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from facevae.data.folder import FaceFolder
from facevae.data.parts import evenly, read_once
from vaecore.distributions import DiagonalGaussian
from vaecore.training.task import Vectors

if TYPE_CHECKING:
    from facevae.classifier import FaceClassifier
    from facevae.data.labels import Labels
    from facevae.data.parts import Data
    from facevae.directions import DirectionSettings
    from vaecore.space import LatentSpace

Report = Callable[[int, float], None]
"""Is told the steps taken and the loss."""

FITTED_ON = 20_000
"""At most so many training images fit the attribute vectors and the prior."""
CLASSIFIABLE = 2000
"""Fewest labelled images for which a classifier is trained."""


def classifiable(data: Data) -> bool:
    """Whether a training has enough labelled images for a classifier of the labels."""
    return data.labels is not None and len(data.train.labelled(data.labels)) >= CLASSIFIABLE


def vectors(
    space: LatentSpace[Any],
    data: Data,
    fitter: FaceClassifier | None = None,
    workers: int | None = None,
    settings: DirectionSettings | None = None,
    second: FaceClassifier | None = None,
    report: Report | None = None,
) -> Vectors:
    """Return attribute vectors of the labels, and what is said about each; none without labels.

    Args:
        space: The model.
        data: The images; the vectors are fitted to at most `FITTED_ON` of the training part.
        fitter: A classifier by which the lengths of the vectors are chosen. Without it one is
            trained; below `CLASSIFIABLE` labelled images the lengths follow from the codes.
        workers: Processes that read images.
        settings: How directions are trained; without them, or without a fitter, there are none.
        second: A second classifier, which directions are to satisfy, too, and whose features a face
            is to keep.
        report: Called while directions are trained, with the steps taken and the loss.
    """
    from facevae.attributes import NAMES, describe, fit_attributes, steps_back
    from facevae.classifier import FITTER

    if data.labels is None:
        return Vectors({}, {})
    labelled = data.train.labelled(data.labels)
    # Some of CelebA's forty labels, or all of anyone else's.
    known = NAMES if set(NAMES) <= set(labelled.attributes) else labelled.attributes
    if fitter is None and classifiable(data):
        fitter = classifier(data.whole, data.labels, FITTER, workers)
    codes, values = encode(space, evenly(labelled, FITTED_ON), workers)
    columns = [labelled.attributes.index(name) for name in known]
    given = (space, codes.mean, values[:, columns], known)
    found = fit_attributes(*given, fitter)
    back = {} if fitter is None else steps_back(*given, found, fitter)
    about = describe(found, back)
    if fitter is None or settings is None or not found:
        return Vectors(found, about)
    from facevae.directions import fit_directions

    judges = [fitter] if second is None else [fitter, second]
    made = fit_directions(*given, found, about, judges, settings, report)
    return Vectors(found, about, made)


def classifier(
    folder: FaceFolder, labels: Labels, recipe: Mapping[str, Any], workers: int | None = None
) -> FaceClassifier:
    """Return a classifier of the labels, trained on a folder's training part.

    Args:
        folder: The images; at most `FITTED_ON` of each part are held in memory.
        labels: Their labels.
        recipe: Options of `facevae.classifier.train_classifier`.
        workers: Processes that read images.
    """
    from facevae.classifier import SIZE, Faces, train_classifier
    from facevae.codec import FaceCodec

    whole = FaceFolder(folder.root, FaceCodec(SIZE)).labelled(labels)

    def faces(part: str) -> Faces:
        loader = read_once(evenly(whole.split(part), FITTED_ON), workers)
        batches = [((x * 255).round().byte(), y.bool()) for x, y in loader]
        loader.close()
        return Faces(*(torch.cat(each) for each in zip(*batches, strict=True)))

    return train_classifier(faces("train"), faces("validation"), whole.attributes, **recipe)


def encode(
    space: LatentSpace[Any], folder: FaceFolder, workers: int | None = None, mirrored: bool = False
) -> tuple[DiagonalGaussian, Tensor]:
    """Return the posteriors of all usable images of a folder, not refined, and their labels.

    Args:
        space: The model.
        folder: The images.
        workers: Processes that read images.
        mirrored: Encode the mirror image of each as well.

    Returns:
        Posteriors `(n, latent_dim)`, and bool `(n, attributes)`, or `(n, 0)` without labels.
    """
    means, stddevs, values = [], [], []
    loader = read_once(folder, workers)
    for batch in loader:
        x, labels = batch if folder.values is not None else (batch, torch.zeros(len(batch), 0))
        for each in (x, x.flip(3)) if mirrored else (x,):
            posterior = space.posterior_of(each, refine=False)
            means.append(posterior.mean)
            stddevs.append(posterior.stddev)
            values.append(labels.bool())
    loader.close()
    return DiagonalGaussian(torch.cat(means), torch.cat(stddevs)), torch.cat(values)


def pictures(
    space: LatentSpace[Any], folder: FaceFolder, workers: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the usable images of a folder, and the means of their codes, not refined.

    Args:
        space: The model.
        folder: The images; at most `FITTED_ON` are read, at even distances.
        workers: Processes that read images.

    Returns:
        uint8 `(n, 3, size, size)`, and `(n, latent_dim)`.
    """
    found, means = [], []
    loader = read_once(evenly(folder, FITTED_ON), workers)
    for batch in loader:
        x = batch[0] if isinstance(batch, tuple | list) else batch
        found.append((x * 255).round().byte())
        means.append(space.posterior_of(x, refine=False).mean)
    loader.close()
    return torch.cat(found), torch.cat(means)
