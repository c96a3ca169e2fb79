"""The parts of a folder of images that a training uses, each read once or again and again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facevae.data.folder import FaceFolder
from facevae.data.loader import FaceLoader

if TYPE_CHECKING:
    from facevae.codec import FaceCodec
    from facevae.data.labels import Labels

VALIDATION_IMAGES = 1024


@dataclass(frozen=True)
class Data:
    """The parts of a folder of images.

    Attributes:
        whole: All images, with labels if there are any.
        train: Those to train on, whether they have labels or not.
        validation: Those that choose which checkpoint is kept, at most `VALIDATION_IMAGES`.
        labels: The labels, or None.
    """

    whole: FaceFolder
    train: FaceFolder
    validation: FaceFolder
    labels: Labels | None = None

    @classmethod
    def of(cls, root: Path, codec: FaceCodec, labels: Labels | None = None) -> Data:
        """Return the parts of a folder.

        Args:
            root: The folder, searched at any depth.
            codec: What makes examples of its files.
            labels: Of some of the images, or of all.

        Raises:
            DataError: The folder holds too few images, or the labels name missing ones.
        """
        whole = FaceFolder(root, codec)
        if labels is not None:
            whole.labelled(labels, strict=True)  # refused now, not after hours
        train, validation = whole.split("train"), whole.split("validation")
        return cls(whole, train, evenly(validation, VALIDATION_IMAGES), labels)


def read_once(folder: FaceFolder, workers: int | None) -> FaceLoader:
    """Return the images of a folder in their order, once; `workers` as for `FaceLoader`."""
    return FaceLoader(folder, 256, training=False, workers=workers)


def evenly(folder: FaceFolder, limit: int) -> FaceFolder:
    """Return at most `limit` images of a folder, at even distances."""
    if len(folder) <= limit:
        return folder
    return folder.select(np.linspace(0, len(folder) - 1, limit).astype(int))
