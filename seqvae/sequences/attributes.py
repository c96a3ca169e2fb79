"""Attribute vectors of measurable properties, fitted on windows and their codes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from vaecore.attributes import attribute_directions
from vaecore.calibration import cleanest

if TYPE_CHECKING:
    from seqvae.sequences.property import Measurable, Property
    from vaecore.codec import Codec
    from vaecore.space import LatentSpace

TRIAL, TRIAL_TOKENS = 256, 1 << 15
"""Most windows, and most tokens, on which directions and lengths are tried."""
LENGTHS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
"""Lengths that are tried, as multiples of the regression's. Rare events, such as toms, need 5."""


def describe(codec: Codec[Any], windows: Tensor | None = None) -> dict[str, Any]:
    """Return description and unit of each attribute, for the model's configuration.

    Args:
        codec: A codec with properties.
        windows: Windows of the training data. With them, the result also has each property's
            standard deviation, which is the unit of an edit.
    """
    known = _properties(codec)
    about: dict[str, Any] = {
        name: {"description": p.description, "unit": p.unit} for name, p in known.items()
    }
    if windows is not None:
        for each, values in zip(about.values(), _values(known, windows).T, strict=True):
            defined = values[~np.isnan(values)]
            each["deviation"] = round(float(defined.std()), 5) if len(defined) else 0.0
    return about


def fit_attributes(space: LatentSpace[Any], windows: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """Return an attribute vector `(latent_dim,)` for each property of the representation, by name.

    A property has two candidate directions: from a joint regression, in which the other properties
    stay the same, and from a regression of its own, which is the difference of means
    (`vaecore.attributes.attribute_directions`). Decoded properties are not linear in z: direction
    and length are chosen by trial: added to the codes of real windows, the vector should raise its
    property by one standard deviation of the data, and change the others as little as possible.

    A property that is the sum of others has only a regression of its own. One that never varies
    gets no vector.

    Args:
        space: The model.
        windows: Examples `(n, *shape)` to fit on.
        codes: Their posterior means `(n, latent_dim)`.
    """
    known = _properties(space.codec)
    if not known:
        return {}
    values = _values(known, windows)
    usable = ~np.isnan(values).any(axis=1)
    if usable.sum() < 2:
        return {}
    scale = values[usable].std(axis=0)
    scale[scale == 0] = 1
    standard = (values[usable] - values[usable].mean(axis=0)) / scale
    candidates = _directions(known, codes[torch.from_numpy(usable)], standard)
    trial = min(TRIAL, TRIAL_TOKENS // windows[0].numel(), len(windows))
    rows = torch.linspace(0, len(windows) - 1, trial).long()
    names = list(known)
    return {
        name: _best(space, directions, names.index(name), windows[rows], scale)
        for name, directions in candidates.items()
    }


def _best(
    space: LatentSpace[Any],
    directions: list[Tensor],
    column: int,
    windows: Tensor,
    scale: np.ndarray,
) -> Tensor:
    """Return the candidate that changes one property by about 1, and the others least."""
    vectors = [length * direction for direction in directions for length in LENGTHS]
    change = effects(space, dict(enumerate(vectors)), windows, scale=scale)
    properties = list(_properties(space.codec).values())
    # A sum changes with its parts, so neither counts as a side effect of the other.
    others = [
        k
        for k, other in enumerate(properties)
        if k != column and not other.total and not properties[column].total
    ]
    return vectors[cleanest(change, column, others)]


def _directions(
    known: Mapping[str, Property], codes: Tensor, values: np.ndarray
) -> dict[str, list[Tensor]]:
    """Return the candidate directions of the properties that vary, `(latent_dim,)` each."""
    targets = torch.from_numpy(values)
    varied = targets.std(dim=0) > 0
    names = [n for k, n in enumerate(known) if varied[k]]
    targets = targets[:, varied]
    parts = [k for k, n in enumerate(names) if not known[n].total]
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    # With few windows, properties may be collinear, or unrelated to the codes.
    with suppress(ValueError):
        joint = attribute_directions(codes, targets[:, parts])
        for k, direction in zip(parts, joint, strict=True):
            found[names[k]].append(direction.float())
    for k, name in enumerate(names):
        with suppress(ValueError):
            found[name].append(attribute_directions(codes, targets[:, k, None])[0].float())
    return {name: directions for name, directions in found.items() if directions}


def effects(
    space: LatentSpace[Any],
    vectors: Mapping[Any, Tensor],
    windows: Tensor,
    strength: float = 1.0,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    """Return the effect of adding each vector on every property, `(vectors, properties)`.

    The windows' posterior means are decoded greedily with and without the vector. An entry is the
    mean change of a property, in standard deviations of the windows' own values, or in units of
    `scale`. Windows for which the property is undefined do not count. MusicVAE (Roberts et al.
    2018) shows such a matrix in its figure 6.

    Args:
        space: The model.
        vectors: Attribute vectors `(latent_dim,)`.
        windows: Examples `(n, *shape)`.
        strength: Factor of the vectors.
        scale: Unit of each property, `(properties,)`.
    """
    z = space.posterior_of(windows, refine=False).mean
    known = _properties(space.codec)
    before = _values(known, space.decode_to_examples(z))
    if scale is None:
        scale = np.nanstd(_values(known, windows), axis=0) + 1e-9
    rows = []
    for vector in vectors.values():
        after = _values(known, space.decode_to_examples(z + strength * vector))
        change = (after - before) / scale
        defined = ~np.isnan(change)
        rows.append(np.where(defined, change, 0).sum(axis=0) / np.maximum(defined.sum(axis=0), 1))
    return np.array(rows).reshape(len(vectors), before.shape[1])


def _properties(codec: Codec[Any]) -> dict[str, Property]:
    return cast("Measurable", codec).properties()


def _values(known: Mapping[str, Property], windows: Tensor) -> np.ndarray:
    """Return all properties of windows, `(n, properties)`."""
    x = windows.numpy()
    return np.stack([each.of(x) for each in known.values()], axis=1)
