"""A small classifier of face attributes: it measures edits and samples, and trains directions.

It is trained in minutes, on the labels of the training faces, and is not shipped. Benchmarks
measure with it whether an edit worked, and its penultimate features are the space of the Fréchet
distance (`facevae.frechet`). A second one of another width and seed calibrates attribute vectors
(`facevae.attributes`), so that the judge of the vectors has no part in making them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facevae.networks.trunk import Trunk
from vaecore.config import build
from vaecore.device import Budget, autocast
from vaecore.errors import DataError
from vaecore.files import replacing
from vaecore.folder import fits_model, read_tensors, room
from vaecore.parsing import parse_json
from vaecore.seeds import seeded
from vaecore.tensor_header import tensor_header
from vaecore.training.small import SmallLoop, cosine

FITTER: dict[str, Any] = {"width": 24, "blocks": 2, "epochs": 8, "seed": 2, "blur": True}
"""Recipe of the classifier that calibrates attribute vectors; see `train_classifier`."""
PERCEPTUAL: dict[str, Any] = {"width": 24, "blocks": 1, "epochs": 5, "seed": 3}
"""Recipe of the classifier of a perceptual loss; see `facevae.perception`."""
SIZE = 64
"""Height and width of a classifier's input; other images are resized."""
FEATURES = 192
"""Width of the penultimate layer."""
CLASSIFIED_AT_ONCE = 250
_EMA = 0.998


@dataclass(frozen=True)
class _Shape:
    """What a file says about its classifier: the arguments of `FaceClassifier`."""

    names: list[str]
    width: int
    blocks: int

    def __post_init__(self) -> None:
        if not (self.names and 1 <= self.width <= 512 and 1 <= self.blocks <= 16):
            raise ValueError("a classifier has names, a width of 1..512 and 1..16 blocks")


class FaceClassifier(nn.Module):
    """A residual network from images to one logit per attribute.

    Args:
        names: The attributes, in the order of the logits.
        width: Of the trunk; see `facevae.networks.trunk`.
        blocks: Of the trunk.
    """

    def __init__(self, names: Sequence[str], width: int = 32, blocks: int = 1) -> None:
        super().__init__()
        self.names, self.width, self.blocks = list(names), width, blocks
        self.trunk = Trunk(width, blocks)
        self.embedding = nn.Linear(self.trunk.channels * 16, FEATURES)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(FEATURES, len(self.names))

    def features(self, x: Tensor) -> Tensor:
        """Return the penultimate features `(n, 192)` of images `(n, 3, h, w)` in [0, 1]."""
        if x.shape[-2:] != (SIZE, SIZE):
            x = functional.interpolate(
                x, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False
            )
        hidden = self.trunk(x)
        # The 4 x 4 positions are not pooled: a fringe and a necktie differ in where they are.
        return functional.silu(self.norm(self.embedding(hidden.flatten(1))))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(n, attributes)` of images `(n, 3, h, w)` in [0, 1]."""
        logits: Tensor = self.head(self.dropout(self.features(x)))
        return logits


class Faces(NamedTuple):
    """Labelled images in memory."""

    images: Tensor
    """`(n, 3, h, w)`, uint8."""
    labels: Tensor
    """`(n, attributes)`, bool."""


@torch.no_grad()
def classify(classifier: FaceClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities `(n, attributes)` and features `(n, 192)` of images.

    Args:
        classifier: Put into evaluation mode.
        images: `(n, 3, h, w)`, uint8, or floating point in [0, 1].
    """
    classifier.eval()
    parts = []
    for part in images.split(CLASSIFIED_AT_ONCE):
        features = classifier.features(_unit_range(part))
        parts.append((classifier.head(features).sigmoid(), features))
    probabilities, all_features = (torch.cat(each) for each in zip(*parts, strict=True))
    return probabilities, all_features


def train_classifier(
    train: Faces,
    validation: Faces,
    names: Sequence[str],
    *,
    width: int = 32,
    blocks: int = 1,
    epochs: int = 8,
    batch_size: int = 128,
    rate: float = 2e-3,
    blur: bool = False,
    seed: int = 0,
    minutes: float | None = None,
    progress: bool = False,
) -> FaceClassifier:
    """Train a classifier and return the average of its weights at the best epoch.

    Multi-label cross-entropy, AdamW, one cycle of the learning rate, images flipped and shifted by
    up to three pixels. The weights that are validated and returned are an exponential moving
    average; the best epoch is that of the highest mean average precision on `validation`.

    Args:
        train: Faces to train on.
        validation: Faces to choose the epoch by.
        names: The attributes, in the order of the labels.
        width: See `FaceClassifier`.
        blocks: See `FaceClassifier`.
        epochs: Passes over all faces; the learning rate ends at 0 after them.
        batch_size: Images per step.
        rate: Highest learning rate.
        blur: Blur half of the batches, so that the softness of decoded faces does not mislead the
            classifier. Not for one whose features are to measure softness.
        seed: Of weights, order and augmentation.
        minutes: Shortens the schedule of the learning rate to end by then.
        progress: Print a line per epoch.

    Raises:
        DataError: There are fewer than two faces to train on, or none to validate on.
    """
    if len(train.images) < 2 or not len(validation.images):
        raise DataError("too few labelled faces to train a classifier on", remedy="label more")
    generator = seeded(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = FaceClassifier(names, width, blocks).to(memory_format=torch.channels_last)
        per_epoch = max(len(train.images) // batch_size, 1)
        loop = SmallLoop(
            model,
            torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02),
            lambda done, _: rate * _cycle(done),
            steps=epochs * per_epoch,
            minutes=minutes,
            decay=lambda steps: min(_EMA, steps / (steps + 9)),
        )
        order: tuple[Tensor, ...] = ()

        def loss(step: int) -> Tensor:
            nonlocal order
            if step % per_epoch == 0:
                order = torch.randperm(len(train.images), generator=generator).split(batch_size)
            rows = order[step % per_epoch]
            x = _augmented(_unit_range(train.images[rows]), blur, generator)
            with autocast("cpu"):
                logits = model(x)
            return functional.binary_cross_entropy_with_logits(
                logits.float(), train.labels[rows].float()
            )

        best, kept = -1.0, {}
        for step in loop.run(loss):
            if step % per_epoch and loop.done < 1:
                continue
            probabilities = classify(loop.average, validation.images)[0]
            found = float(np.mean(average_precision(probabilities, validation.labels)))
            if progress:
                print(
                    f"epoch {-(-step // per_epoch)}: loss {loop.loss:.4f}, validation mAP "
                    f"{found:.4f}, {loop.seconds:.0f} s",
                    flush=True,
                )
            if found >= best:
                best = found
                kept = {name: value.clone() for name, value in loop.average.state_dict().items()}
    loop.average.load_state_dict(kept)
    return loop.average.eval()


def average_precision(scores: Tensor, labels: Tensor) -> np.ndarray:
    """Return the average precision of each attribute, `(attributes,)`.

    The mean, over the faces that have it, of the precision at the threshold of each (scikit-learn's
    `average_precision_score`). An attribute that no face has counts as 0.

    Args:
        scores: `(n, attributes)`, higher is likelier.
        labels: `(n, attributes)`, bool.
    """
    from sklearn.metrics import average_precision_score

    columns = zip(labels.T.numpy(), scores.T.numpy(), strict=True)
    return np.array(
        [average_precision_score(true, score) if true.any() else 0.0 for true, score in columns]
    )


def balanced_accuracy(probabilities: Tensor, labels: Tensor) -> np.ndarray:
    """Return the mean of sensitivity and specificity at 1/2, `(attributes,)`.

    NaN for an attribute that all faces have, or none.
    """
    predicted, true = probabilities > 0.5, labels.bool()
    sensitivity = (predicted & true).sum(0) / true.sum(0)
    specificity = (~predicted & ~true).sum(0) / (~true).sum(0)
    return ((sensitivity + specificity) / 2).numpy()


def save_classifier(classifier: FaceClassifier, path: Path) -> None:
    """Write a classifier to one safetensors file that also holds its shape and names."""
    from safetensors.torch import save_file

    about = {"names": classifier.names, "width": classifier.width, "blocks": classifier.blocks}
    tensors = {name: t.contiguous() for name, t in classifier.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"classifier": json.dumps(about)})


def load_classifier(path: Path) -> FaceClassifier:
    """Read a classifier written by `save_classifier`.

    Raises:
        DataError: The file is missing, or holds no classifier.
    """
    if not path.exists():
        raise DataError("is missing", path=path, remedy="check the name")
    try:
        about = build(_Shape, parse_json(tensor_header(path)[1]["classifier"]), "classifier")
        with Budget(room(path)):
            classifier = FaceClassifier(**asdict(about))
        tensors = read_tensors(path, fits_model(classifier))
        classifier.load_state_dict(tensors)
    except (ValueError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        remedy = "name a classifier that `facevae train` or benchmarks/judges.py wrote"
        raise DataError("holds no face classifier", path=path, remedy=remedy) from error
    return classifier.eval()


def _unit_range(images: Tensor) -> Tensor:
    return images if images.is_floating_point() else images.float() / 255


def _cycle(done: float) -> float:
    """Return the learning rate, relative to its highest: a tenth up, then a cosine to 0."""
    if done < 0.1:
        return 0.1 + 9 * done
    return cosine((done - 0.1) / 0.9)


def _augmented(x: Tensor, blur: bool, generator: torch.Generator) -> Tensor:
    """Return images flipped at random, shifted alike, and possibly shown at a lower resolution."""
    flip = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    x = torch.where(flip, x.flip(-1), x)
    down, right = torch.randint(-3, 4, (2,), generator=generator).tolist()
    height, width = x.shape[-2:]
    x = functional.pad(x, (3, 3, 3, 3), mode="replicate")
    x = x[..., 3 + down : 3 + down + height, 3 + right : 3 + right + width]
    if blur and torch.rand((), generator=generator) < 0.5:
        scale = 0.35 + 0.6 * torch.rand((), generator=generator).item()
        small = functional.interpolate(x, scale_factor=scale, mode="bilinear", antialias=True)
        x = functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)
    return x
