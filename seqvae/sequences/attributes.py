"""Musical attribute vectors: latent directions that change one measurable property each."""

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
"""Windows on which directions and lengths are tried, or fewer where they have many tokens."""
LENGTHS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Lengths that are tried, relative to that of the regression."""


def describe(codec: Codec[Any]) -> dict[str, Any]:
    """Return what each attribute changes, and in which unit, for the model's configuration."""
    known = _properties(codec)
    return {name: {"description": p.description, "unit": p.unit} for name, p in known.items()}


def fit_attributes(space: LatentSpace, windows: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """Return one vector `(latent_dim,)` per property of the representation, by name.

    A property has two candidate directions: that of the joint regression, in which the others stay
    the same, and its own regression, which is that of the difference of means
    (`vaecore.attributes.attribute_directions`). Decoded notes follow neither in proportion, so
    direction and length are chosen by trial: added at strength 1 to real windows, the vector shall
    raise its property by one standard deviation of the data and change the others least.

    A property that is the sum of others has its own regression only; one that never varies gets
    no vector.

    Args:
        space: The model.
        windows: Class indices `(n, steps)` to fit on.
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
    space: LatentSpace, directions: list[Tensor], column: int, windows: Tensor, scale: np.ndarray
) -> Tensor:
    """Return the candidate that comes nearest to changing one property by 1 and no other."""
    vectors = [length * direction for direction in directions for length in LENGTHS]
    change = effects(space, dict(enumerate(vectors)), windows, scale=scale)
    properties = list(_properties(space.codec).values())
    # A sum moves with its parts: it is no companion of theirs, nor they of it.
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
    # In very few windows properties may be indistinguishable, or unrelated to the codes.
    with suppress(ValueError):
        joint = attribute_directions(codes, targets[:, parts])
        for k, direction in zip(parts, joint, strict=True):
            found[names[k]].append(direction.float())
    for k, name in enumerate(names):
        with suppress(ValueError):
            found[name].append(attribute_directions(codes, targets[:, k, None])[0].float())
    return {name: directions for name, directions in found.items() if directions}


def effects(
    space: LatentSpace,
    vectors: Mapping[Any, Tensor],
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
