"""Musical attribute vectors: latent directions that change one measurable property each."""

from __future__ import annotations

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
    """Return one vector `(latent_dim,)` per property of the representation.

    Directions come from one joint regression, so that each changes its own property and leaves
    the others alone (`vaecore.attributes.attribute_directions`); a property that is the sum of
    others is regressed by itself. Their lengths are then set by
    trial: added at strength 1 to real windows, a vector raises its property by one standard
    deviation of the data, as far as decoded notes can follow.

    Args:
        space: The model.
        windows: Class indices `(n, steps)` to fit on.
        codes: Their posterior means `(n, latent_dim)`.
    """
    values = _values(space.codec.name, windows)
    scale = np.nanstd(values, axis=0) + 1e-9
    usable = ~np.isnan(values).any(axis=1)
    standard = (values[usable] - values[usable].mean(axis=0)) / scale
    codes, standard = codes[torch.from_numpy(usable)], torch.from_numpy(standard)
    total = torch.tensor([p.total for p in PROPERTIES[space.codec.name].values()])
    directions = torch.empty(len(total), codes.shape[1])
    directions[~total] = attribute_directions(codes, standard[:, ~total]).float()
    for k in total.nonzero().flatten():
        directions[k] = attribute_directions(codes, standard[:, k, None])[0].float()
    vectors = dict(zip(PROPERTIES[space.codec.name], directions, strict=True))
    trial = torch.linspace(0, len(windows) - 1, min(CALIBRATION, len(windows))).long()
    change = effects(space, vectors, windows[trial], scale=scale)
    return {
        name: vector * float(np.clip(1 / max(change[k, k], 1e-3), 0.25, LONGEST))
        for k, (name, vector) in enumerate(vectors.items())
    }


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
    (or in units of `scale`). MusicVAE (Roberts et al. 2018) shows such a matrix in its figure 6.
    """
    z = space.posterior_of(windows).mean
    before = _values(space.codec.name, space.decode_to_examples(z))
    if scale is None:
        scale = np.nanstd(_values(space.codec.name, windows), axis=0) + 1e-9
    rows = []
    for vector in vectors.values():
        after = _values(space.codec.name, space.decode_to_examples(z + strength * vector))
        rows.append(np.nanmean((after - before) / scale, axis=0))
    return np.stack(rows)


def _values(representation: str, windows: Tensor) -> np.ndarray:
    """Return all properties of windows, `(n, properties)`."""
    return np.stack(list(measure(representation, windows).values()), axis=1)
