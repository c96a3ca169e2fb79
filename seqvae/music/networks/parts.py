"""Coordinates of codes of long windows, one group for each part: a basis for a conditional flow."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE

CONDITION = 30
"""Largest condition number of a basis whose coordinates have variance 1."""
ENCODED_AT_ONCE = 1024
"""Short windows that are encoded at once."""


@torch.no_grad()
def parts_basis(z: Tensor, windows: Tensor, smalls: Sequence[SequenceVAE], groups: int) -> Tensor:
    """Return a basis in which each group of dimensions describes one part of a window.

    The parts, such as pairs of bars, have codes under models of short windows, and a linear
    regression predicts these from z. So equal parts have equal coordinates, up to the residuals of
    the regression. Where the short codes have more dimensions than z has for a part, their
    principal components are taken, which are the same for all parts.

    Args:
        z: Codes `(n, latent_dim)`, n larger than latent_dim.
        windows: The windows of these codes, `(n, *shape)`.
        smalls: Models of the parts, one for each voice.
        groups: Parts of a window.

    Returns:
        `(latent_dim, latent_dim)`, for `vaecore.priors.Flow`.

    Raises:
        ValueError: The windows or the dimensions cannot be divided into groups, or the short codes
            have too few dimensions.
    """
    voices = (windows,) if windows.ndim == 2 else windows.unbind(-1)
    if len(voices) != len(smalls):
        raise ValueError(f"{len(voices)} voices cannot have parts of {len(smalls)} models")
    steps = windows.shape[1]
    if any(small.architecture.steps * groups != steps for small in smalls):
        raise ValueError(f"{groups} windows of the models of parts do not make {steps} steps")
    each, rest = divmod(z.shape[1], groups)
    codes = torch.cat(
        [
            torch.cat(
                [small.encode(rows).mean for rows in fold(voice, groups).split(ENCODED_AT_ONCE)]
            )
            for voice, small in zip(voices, smalls, strict=True)
        ],
        dim=-1,
    ).unflatten(0, (-1, groups))
    if rest or codes.shape[-1] < each:
        raise ValueError(
            f"{z.shape[1]} dimensions do not make {groups} groups of at most {codes.shape[-1]}"
        )
    centred = (codes - codes.mean(0)).flatten(1).double()
    z = (z - z.mean(0)).double()
    fitted: Tensor = torch.linalg.lstsq(z, centred).solution
    basis: Tensor = fitted.unflatten(1, (groups, -1))
    if codes.shape[-1] > each:
        predicted = (z @ fitted).view(-1, codes.shape[-1])
        basis = basis @ torch.linalg.eigh(predicted.t().cov()).eigenvectors[:, -each:]
    return _conditioned(basis.flatten(1), z).float()


def _conditioned(basis: Tensor, z: Tensor) -> Tensor:
    """Return a basis with a bounded condition number, so that it can be inverted without errors.

    Directions of z that the parts hardly depend on, such as how three voices go together, get more
    weight.
    """
    scale = (z @ basis).std(0)
    left, singular, right = torch.linalg.svd(basis / scale)
    bounded: Tensor = left * singular.clamp(min=singular[0] / CONDITION) @ right * scale
    return bounded
