"""Attribute vectors of faces: from labels to directions that each change one thing.

Three ways to make a vector:

means       the lecture's: mean code of the faces that have it less that of those that lack it;
            what usually comes along with the attribute comes along with the vector
regression  the core's (`vaecore.attributes`): the likeliest step that changes this label and none
            of the others listed; where two nearly always come together, as smile and open mouth
            do, it is a long step into rare faces, and looks it
eased       between the two, nearer to the means: most of the companions are gone, and the faces
            look natural; these are the vectors of the models in the box

A strength of 1 is one calibrated step: the shortest with which a classifier sees the attribute in
at least 95 % of the training faces that lacked it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from facevae.effects import qualify, seen
from vaecore.attributes import attribute_directions, attribute_vector

if TYPE_CHECKING:
    from facevae.classifier import FaceClassifier
    from vaecore.space import LatentSpace

NAMES = (
    "Smiling",
    "Mouth_Slightly_Open",
    "Eyeglasses",
    "Male",
    "Young",
    "Blond_Hair",
    "Bangs",
    "Wearing_Hat",
)
"""The attributes of which vectors are made, in CelebA's names."""
WAYS = ("eased", "regression", "means")
EASED = 0.4
"""Share of the regression in an eased vector. At 0.65, half of the opened mouths look distorted."""
FLIPPED = 0.95
"""Share of the faces that a step of strength 1 shall change, in the eyes of the classifier that
calibrates it; another agrees in fewer."""
TRIAL = 256
"""Faces on which a vector is calibrated."""
LENGTHS = tuple(0.4 * 1.15**k for k in range(18))
"""Lengths that are tried, relative to the step that the codes alone suggest: 0.4 to 4.3."""
FIRST = 6
"""The length that is tried first, 0.93."""


def describe(names: Iterable[str]) -> dict[str, Any]:
    """Return what each attribute changes, and in which unit, for the model's configuration."""
    return {
        name: {
            "description": f"{name.replace('_', ' ').lower()}, as CelebA labels it",
            "unit": f"the step that shows it in {FLIPPED:.0%} of the faces without it",
        }
        for name in names
    }


def fit_attributes(
    space: LatentSpace,
    codes: Tensor,
    labels: Tensor,
    names: Sequence[str],
    fitter: FaceClassifier | None = None,
    way: str = "eased",
) -> dict[str, Tensor]:
    """Return one calibrated vector `(latent_dim,)` per attribute, by name.

    Args:
        space: The model.
        codes: Posterior means of training faces `(n, latent_dim)`.
        labels: `(n, attributes)`, bool.
        names: The attributes in the order of the columns: those that shall stay apart. One that
            all faces have, or none, gets no vector.
        fitter: A classifier that knows them and looks at decoded faces to find the length of a
            step; not the one that is to judge the result. Without it, the codes alone say how
            long a step is.
        way: "eased", "regression" or "means". Where there are too few faces to tell the
            attributes apart, all are means.
    """
    if way not in WAYS:
        raise ValueError(f"unknown way {way!r}; known are {', '.join(WAYS)}")
    varied = [k for k in range(len(names)) if labels[:, k].any() and not labels[:, k].all()]
    if not varied:
        return {}
    names, labels = [names[k] for k in varied], labels[:, varied].bool()
    means = [attribute_vector(codes[having], codes[~having]) for having in labels.T]
    joint = means
    with suppress(ValueError):
        joint = list(attribute_directions(codes, labels.double()))
    share = {"means": 0.0, "eased": EASED, "regression": 1.0}[way]
    found = {}
    for name, having, *ends in zip(names, labels.T, means, joint, strict=True):
        plain, apart = (latent_step(codes, having, vector) * vector for vector in ends)
        step = ((1 - share) * plain + share * apart).to(codes)
        if fitter is not None:
            step = step * classified_step(space, codes[~having], step, fitter, name)
        found[name] = step
    return found


def latent_step(codes: Tensor, having: Tensor, vector: Tensor) -> float:
    """Return how often to add a vector so that 95 % of the faces cross over, by the codes alone.

    Crossing means to pass the middle between the mean codes of those that have it and those that
    lack it, on the axis that tells the two apart best (Fisher's linear discriminant).

    Args:
        codes: `(n, latent_dim)`.
        having: `(n,)`, bool; both kinds occur.
        vector: `(latent_dim,)`.

    Returns:
        Above 0; 1 where the vector does not lead across.
    """
    z = codes.double()
    means = z[having].mean(0), z[~having].mean(0)
    within = torch.cat([z[having] - means[0], z[~having] - means[1]])
    scatter = within.T @ within / len(z)
    scatter += (1e-3 * scatter.diagonal().mean() + 1e-9) * torch.eye(len(scatter)).to(scatter)
    axis = torch.linalg.solve(scatter, means[0] - means[1])
    middle = 0.5 * (means[0] + means[1]) @ axis
    missing = (middle - z[~having] @ axis).clamp(min=0).quantile(FLIPPED)
    speed = vector.double() @ axis
    return float(missing / speed) if missing > 0 and speed > 0 else 1.0


def classified_step(
    space: LatentSpace, lacking: Tensor, vector: Tensor, fitter: FaceClassifier, name: str
) -> float:
    """Return the smallest factor on a vector that shows an attribute in 95 % of the faces.

    Where no length achieves that, it is the one that shows it in most.

    Args:
        space: The model.
        lacking: Codes of faces without the attribute, `(n, latent_dim)`; up to `TRIAL` are looked
            at, and those count in which the fitter does not see it either.
        vector: `(latent_dim,)`.
        fitter: The classifier.
        name: The attribute.
    """
    column = fitter.names.index(name)
    lacking = _spread(lacking, TRIAL)
    lacking = lacking[qualify(seen(space, lacking, fitter)[:, column], None, 1.0)]
    if not len(lacking):
        return 1.0
    shares: dict[int, float] = {}

    def enough(index: int) -> bool:
        after = seen(space, lacking + LENGTHS[index] * vector, fitter)[:, column]
        shares[index] = (after > 0.5).double().mean().item()
        return shares[index] >= FLIPPED

    index = FIRST
    if enough(index):
        while index > 0 and enough(index - 1):
            index -= 1
        return LENGTHS[index]
    for index in range(FIRST + 1, len(LENGTHS)):
        if enough(index):
            return LENGTHS[index]
    return LENGTHS[max(shares, key=lambda each: (shares[each], -each))]


def _spread(rows: Tensor, limit: int) -> Tensor:
    """Return at most `limit` rows, evenly spread over all."""
    if len(rows) <= limit:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, limit).long()]
