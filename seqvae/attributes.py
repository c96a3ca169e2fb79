"""Musical attribute vectors: latent directions that change one measurable property each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seqvae.properties import PROPERTIES, measure
from vaecore.attributes import attribute_directions

if TYPE_CHECKING:
    from vaecore.space import LatentSpace

CALIBRATION = 1024
"""Windows on which the vectors' lengths are set."""
LONGEST = 4.0
"""A vector is lengthened at most this much to reach its effect."""


def describe(representation: str) -> dict[str, Any]:
    """Return what each attribute changes, and in which unit, for the model's configuration."""
    return {
        name: {"description": p.description, "unit": p.unit}
        for name, p in PROPERTIES[representation].items()
    }


def fit_attributes(space: LatentSpace, windows: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """Return one vector `(latent_dim,)` per property of the representation, by name.

    Directions come from one joint regression, so that each changes its own property and leaves
    the others alone (`vaecore.attributes.attribute_directions`); a property that is the sum of
    others is regressed by itself, and one that never varies gets no vector. Their lengths are
    then set by trial: added at strength 1 to real windows, a vector raises its property by one
    standard deviation of the data, as far as decoded notes can follow.

    Args:
        space: The model.
        windows: Class indices `(n, steps)` to fit on.
        codes: Their posterior means `(n, latent_dim)`.
    """
    values = _values(space.codec.name, windows)
    usable = ~np.isnan(values).any(axis=1)
    if usable.sum() < 2:
        return {}
    scale = values[usable].std(axis=0)
    scale[scale == 0] = 1
    standard = (values[usable] - values[usable].mean(axis=0)) / scale
    vectors = _directions(space.codec.name, codes[torch.from_numpy(usable)], standard)
    trial = torch.linspace(0, len(windows) - 1, min(CALIBRATION, len(windows))).long()
    columns = [list(PROPERTIES[space.codec.name]).index(name) for name in vectors]
    change = effects(space, vectors, windows[trial], scale=scale)
    own = change[range(len(columns)), columns]
    lengths = np.clip(1 / np.maximum(own, 1e-3), 1 / LONGEST, LONGEST)
    return {
        name: vector * float(length)
        for (name, vector), length in zip(vectors.items(), lengths, strict=True)
    }


def _directions(representation: str, codes: Tensor, values: np.ndarray) -> dict[str, Tensor]:
    """Return the directions of the properties that vary, `(latent_dim,)` each."""
    targets = torch.from_numpy(values)
    varied = targets.std(dim=0) > 0
    names = [n for k, n in enumerate(PROPERTIES[representation]) if varied[k]]
    targets = targets[:, varied]
    shared = [k for k, n in enumerate(names) if not PROPERTIES[representation][n].total]
    found: dict[int, Tensor] = {}
    # In very few windows, properties may be indistinguishable; then each goes by itself.
    with suppress(ValueError):
        found |= dict(zip(shared, attribute_directions(codes, targets[:, shared]), strict=True))
    for k in set(range(len(names))) - set(found):
        with suppress(ValueError):
            found[k] = attribute_directions(codes, targets[:, k, None])[0]
    return {names[k]: found[k].float() for k in sorted(found)}


def effects(
    space: LatentSpace,
    vectors: dict[str, Tensor],
    windows: Tensor,
    strength: float = 1.0,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    """Return what adding each vector does to every property, `(vectors, properties)`.

    The windows are encoded to their means and decoded greedily with and without the vector; the
    entry is the mean change of the property, in standard deviations of the windows' own values
    (or in units of `scale`); windows whose property is undefined do not count. MusicVAE (Roberts
    et al. 2018) shows such a matrix in its figure 6.
    """
    z = space.posterior_of(windows).mean
    before = _values(space.codec.name, space.decode_to_examples(z))
    if scale is None:
        scale = np.nanstd(_values(space.codec.name, windows), axis=0) + 1e-9
    rows = []
    for vector in vectors.values():
        after = _values(space.codec.name, space.decode_to_examples(z + strength * vector))
        change = (after - before) / scale
        defined = ~np.isnan(change)
        rows.append(np.where(defined, change, 0).sum(axis=0) / np.maximum(defined.sum(axis=0), 1))
    return np.array(rows).reshape(len(vectors), before.shape[1])


def _values(representation: str, windows: Tensor) -> np.ndarray:
    """Return all properties of windows, `(n, properties)`."""
    return np.stack(list(measure(representation, windows).values()), axis=1)
