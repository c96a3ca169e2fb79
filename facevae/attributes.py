"""Attribute vectors of faces: from labels to directions that each change one thing.

Three methods:

means       the lecture's: mean code of the faces that have it minus that of those that lack it;
            it also contains whatever is correlated with the attribute
regression  the core's (`vaecore.attributes`): the likeliest step that changes this label and none
            of the others listed; where two labels are strongly correlated, as smile and open mouth
            are, it is a long step to rare faces, which look less natural
eased       a weighted mean of the two, 0.4 of the regression and 0.6 of the means: most of the
            correlation is removed, and the faces look natural; the models in the box have these

A strength of 1 is one calibrated step: the shortest with which a classifier sees the attribute in
at least 95 % of the training faces that lacked it. -1 is the shortest step back with which it no
longer sees it in 95 % of those that had it, or that same step where that is shorter; a face that
has nothing of it to lose changes less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from facevae.effects import attribute_probabilities, eligible
from facevae.networks.architecture import FaceArchitecture
from vaecore.attributes import along, attribute_directions, attribute_vector, local
from vaecore.calibration import ENOUGH, crossing_length, shortest_length

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
METHODS = ("eased", "regression", "means")
EASED_SHARE = 0.4
"""Share of the regression in an eased vector. At 0.65, half of the opened mouths look distorted."""
CALIBRATED_ON = 256
"""At most so many faces calibrate a vector."""
LENGTHS = tuple(0.4 * 1.15**k for k in range(18))
"""Lengths that are tried, relative to the step that the codes alone suggest: 0.4 to 4.3."""
FIRST_LENGTH = 6
"""The length that is tried first, 0.93."""


def describe(
    names: Iterable[str], back: Mapping[str, Mapping[str, float]] | None = None
) -> dict[str, dict[str, Any]]:
    """Return what each attribute changes, and in which unit, for the model's configuration.

    Args:
        names: The attributes.
        back: About the steps that take attributes away, from `steps_back`.
    """
    return {
        name: {
            "description": f"{name.replace('_', ' ').lower()}, as CelebA labels it",
            "unit": f"the step that shows it in {ENOUGH:.0%} of the faces without it",
            **{key: round(value, 3) for key, value in (back or {}).get(name, {}).items()},
        }
        for name in names
    }


def fit_attributes(
    space: LatentSpace[Any],
    codes: Tensor,
    labels: Tensor,
    names: Sequence[str],
    fitter: FaceClassifier | None = None,
    method: str = "eased",
) -> dict[str, Tensor]:
    """Return one calibrated vector `(latent_dim,)` per attribute, by name.

    Args:
        space: The model.
        codes: Posterior means of training faces `(n, latent_dim)`.
        labels: `(n, attributes)`, bool.
        names: The attributes in the order of the columns. One that all faces have, or none, gets
            no vector.
        fitter: A classifier of them, which is applied to decoded faces to find the length of a
            step; not the one that is to judge the result. Without it, the length follows from the
            codes (`vaecore.calibration.crossing_length`).
        method: "eased", "regression" or "means". Where there are too few faces for a
            regression, all are means.

    Raises:
        ValueError: The method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known are {', '.join(METHODS)}")
    varied = [k for k in range(len(names)) if labels[:, k].any() and not labels[:, k].all()]
    if not varied:
        return {}
    names, labels = [names[k] for k in varied], labels[:, varied].bool()
    means = [attribute_vector(codes[having], codes[~having]) for having in labels.T]
    joint = means
    with suppress(ValueError):
        joint = list(attribute_directions(codes, labels.double()))
    share = {"means": 0.0, "eased": EASED_SHARE, "regression": 1.0}[method]
    found = {}
    for name, having, *ends in zip(names, labels.T, means, joint, strict=True):
        plain, apart = (
            crossing_length(codes[having], codes[~having], vector) * vector for vector in ends
        )
        whole = ((1 - share) * plain + share * apart).to(codes)
        step = local(whole, positions_of(space))
        if fitter is not None:
            faces = codes[~having]
            step = step * classified_step(space, faces, step, fitter, name)
            lacking = changeable(space, faces, fitter, name)
            if shown_by(space, lacking, step, fitter, name) < ENOUGH:
                # No length of the local one does it: hair, for one, may be anywhere.
                whole = whole * classified_step(space, faces, whole, fitter, name)
                step = max((step, whole), key=lambda v: shown_by(space, lacking, v, fitter, name))
        found[name] = step
    return found


def steps_back(
    space: LatentSpace[Any],
    codes: Tensor,
    labels: Tensor,
    names: Sequence[str],
    vectors: Mapping[str, Tensor],
    fitter: FaceClassifier,
) -> dict[str, dict[str, float]]:
    """Return how far to go to take each vector's attribute away, by name.

    Most attributes go sooner than they come, and what is longer than needed loses the person. And a
    face that lacks an attribute has no more of it to lose: glasses taken away from it are a glow
    around the eyes.

    Args:
        space: The model.
        codes: As for `fit_attributes`.
        labels: As for `fit_attributes`.
        names: The attributes in the order of the columns.
        vectors: By name, from `fit_attributes`.
        fitter: The classifier that found their lengths.

    Returns:
        For each, in units of the vector: "less", the length of a step back, at most 1; "middle", on
        the vector's axis between the codes with it and those without; "least", two standard
        deviations below those without, where codes below the middle end.
    """
    found = {}
    for name, vector in vectors.items():
        having = labels[:, names.index(name)].bool()
        step = classified_step(space, codes[having], vector, fitter, name, -1.0)
        place = along(codes, vector)
        there, away = place[having], place[~having]
        found[name] = {
            "less": min(1.0, step),
            "middle": float(there.mean() + away.mean()) / 2,
            "least": float(away.mean() - 2 * away.std()),
        }
    return found


def classified_step(
    space: LatentSpace[Any],
    faces: Tensor,
    vector: Tensor,
    fitter: FaceClassifier,
    name: str,
    sign: float = 1.0,
) -> float:
    """Return the smallest factor on a vector that shows an attribute in 95 % of the faces.

    Where no length achieves that, it is the one that shows it in most.

    Args:
        space: The model.
        faces: Codes of faces without the attribute by their labels, `(n, latent_dim)`; of at most
            `CALIBRATED_ON` those count in which the fitter does not find it either.
        vector: `(latent_dim,)`.
        fitter: The classifier.
        name: The attribute.
        sign: -1 for faces that have the attribute, from which the vector takes it away.
    """
    faces = changeable(space, faces, fitter, name, sign)
    if not len(faces):
        return 1.0

    def shown(length: float) -> float:
        return shown_by(space, faces, sign * length * vector, fitter, name, sign)

    return shortest_length(shown, LENGTHS, FIRST_LENGTH)


def changeable(
    space: LatentSpace[Any], faces: Tensor, fitter: FaceClassifier, name: str, sign: float = 1.0
) -> Tensor:
    """Return those of at most `CALIBRATED_ON` faces in which the fitter does not find an attribute.

    Arguments are those of `classified_step`; with a sign of -1, those in which it finds it.
    """
    faces = _evenly(faces, CALIBRATED_ON)
    before = attribute_probabilities(space, faces, fitter)[:, fitter.names.index(name)]
    return faces[eligible(before, None, sign)]


def shown_by(
    space: LatentSpace[Any],
    faces: Tensor,
    step: Tensor,
    fitter: FaceClassifier,
    name: str,
    sign: float = 1.0,
) -> float:
    """Return the share of faces in which a step `(latent_dim,)` changes what the fitter finds.

    Arguments are those of `classified_step`, but for the faces, which are those of `changeable`.
    """
    after = attribute_probabilities(space, faces + step, fitter)[:, fitter.names.index(name)]
    return ((after > 0.5) == (sign > 0)).double().mean().item()


def positions_of(space: LatentSpace[Any]) -> int:
    """Return how many positions the codes of a model have; 1 where they are not spatial."""
    architecture = getattr(space.model, "architecture", None)
    return architecture.positions if isinstance(architecture, FaceArchitecture) else 1


def _evenly(rows: Tensor, limit: int) -> Tensor:
    """Return at most `limit` rows, at even distances."""
    if len(rows) <= limit:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, limit).long()]
