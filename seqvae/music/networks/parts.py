"""What a code of long windows says of their parts: coordinates for a prior that repeats them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE

CONDITION = 30
"""Largest ratio of singular values of a basis, with coordinates of variance 1."""
ROWS = 1024
"""Short windows that are encoded at once."""


@torch.no_grad()
def parts_basis(z: Tensor, windows: Tensor, smalls: Sequence[SequenceVAE], groups: int) -> Tensor:
    """Return a basis in which each group of dimensions speaks of one part of a window.

    The parts, such as pairs of bars, have codes of their own under models of short windows, and a
    linear regression says how these follow from z. Equal parts have equal coordinates, up to what
    the regression cannot say. Where the short codes have more dimensions than z has for a part,
    their principal components are taken, which are the same for all parts.

    Args:
        z: Codes `(n, latent_dim)`, more of them than dimensions.
        windows: What they are codes of, `(n, *shape)`.
        smalls: Models of the parts, one for each voice.
        groups: Parts of a window.

    Returns:
        `(latent_dim, latent_dim)`, for `vaecore.priors.Flow`.

    Raises:
        ValueError: The windows or the dimensions do not make groups, or the short codes have too
            few dimensions.
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
            torch.cat([small.encode(rows).mean for rows in fold(voice, groups).split(ROWS)])
            for voice, small in zip(voices, smalls, strict=True)
        ],
        dim=-1,
    ).unflatten(0, (-1, groups))
    if rest or codes.shape[-1] < each:
        raise ValueError(
            f"{z.shape[1]} dimensions do not make {groups} groups of at most {codes.shape[-1]}"
        )
    centred = (codes - codes.mean(0)).flatten(1).double()
    fitted = torch.linalg.lstsq((z - z.mean(0)).double(), centred).solution
    said = fitted.unflatten(1, (groups, -1))
    if codes.shape[-1] > each:
        heard = ((z - z.mean(0)).double() @ fitted).unflatten(1, (groups, -1)).flatten(0, 1)
        said = said @ torch.linalg.eigh(heard.t().cov()).eigenvectors[:, -each:]
    return _conditioned(said.flatten(1), (z - z.mean(0)).double()).float()


def _conditioned(basis: Tensor, z: Tensor) -> Tensor:
    """Return a basis in which no direction of z is so small that errors there would be large in z.

    What parts hardly tell of, such as how three voices hang together, gets more weight than parts
    give it.
    """
    scale = (z @ basis).std(0)
    left, strength, right = torch.linalg.svd(basis / scale)
    return left * strength.clamp(min=strength[0] / CONDITION) @ right * scale
