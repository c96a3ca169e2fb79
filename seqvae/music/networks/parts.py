"""A basis of the codes of long windows with a group of coordinates for each part of a window.

A conditional flow uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqvae.music.networks.levels import fold, voices_of
from seqvae.music.networks.model import SequenceVAE

CONDITION = 30
"""Largest condition number of a basis whose coordinates have variance 1."""
ENCODED_AT_ONCE = 1024
"""Short windows that are encoded together."""


@torch.no_grad()
def parts_basis(z: Tensor, windows: Tensor, smalls: Sequence[SequenceVAE], groups: int) -> Tensor:
    """Return a basis in which each group of dimensions describes one part of a window.

    Models of short windows give a code for each part, such as a pair of bars, and a linear
    regression predicts these codes from z. So equal parts have equal coordinates, up to the
    residuals of the regression. If the short codes have more dimensions than z has for a part,
    their principal components are used, which are the same for all parts.

    Args:
        z: Codes `(n, latent_dim)`, n larger than latent_dim.
        windows: The windows of these codes, `(n, *shape)`.
        smalls: Models of the parts, one for each voice.
        groups: Number of parts of a window.

    Returns:
        `(latent_dim, latent_dim)`, for `vaecore.priors.Flow`.

    Raises:
        ValueError: The windows or the dimensions cannot be divided into groups, or the short codes
            have too few dimensions.
    """
    voices = voices_of(windows)
    if len(voices) != len(smalls):
        raise ValueError(f"{len(voices)} voices need as many models of parts, not {len(smalls)}")
    steps = windows.shape[1]
    if any(small.architecture.steps * groups != steps for small in smalls):
        raise ValueError(f"{groups} windows of the models of parts do not make {steps} steps")
    each, rest = divmod(z.shape[1], groups)
    own = []
    for voice, small in zip(voices, smalls, strict=True):
        parts = fold(voice, groups).split(ENCODED_AT_ONCE)
        own.append(torch.cat([small.encode(rows).mean for rows in parts]))
    codes = torch.cat(own, dim=-1).unflatten(0, (-1, groups))
    width = codes.shape[-1]
    if rest or width < each:
        raise ValueError(f"{z.shape[1]} dimensions do not make {groups} groups of at most {width}")
    centred = (codes - codes.mean(0)).flatten(1).double()
    z = (z - z.mean(0)).double()
    fitted: Tensor = torch.linalg.lstsq(z, centred).solution
    basis: Tensor = fitted.unflatten(1, (groups, -1))
    if width > each:
        predicted = (z @ fitted).view(-1, width)
        basis = basis @ torch.linalg.eigh(predicted.t().cov()).eigenvectors[:, -each:]
    return _conditioned(basis.flatten(1), z).float()


def _conditioned(basis: Tensor, z: Tensor) -> Tensor:
    """Return a basis with a bounded condition number, so that its inverse is exact enough.

    It gives more weight to directions of z on which the parts hardly depend, such as how three
    voices combine.
    """
    scale = (z @ basis).std(0)
    left, singular, right = torch.linalg.svd(basis / scale)
    bounded: Tensor = left * singular.clamp(min=singular[0] / CONDITION) @ right * scale
    return bounded
