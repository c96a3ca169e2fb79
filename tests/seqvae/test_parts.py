"""Coordinates in which a code of long windows says what their parts are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.networks.parts import parts_basis


def small(latent_dim: int, seed: int) -> SequenceVAE:
    torch.manual_seed(seed)
    sizes = {"embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 8, "summary_dim": 4}
    model = SequenceVAE(SequenceArchitecture(8, 5, latent_dim=latent_dim, **sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def windows(n: int, voices: int) -> Tensor:
    """Return windows of three parts, of which the last is the first again."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 5, (n, 24, voices), generator=generator)
    x[:, 16:] = x[:, :8]
    return x if voices > 1 else x[..., 0]


@torch.no_grad()
def codes(x: Tensor, smalls: list[SequenceVAE]) -> Tensor:
    """Return the codes of all parts, `(n, parts, dimensions)`."""
    voices = (x,) if x.ndim == 2 else x.unbind(-1)
    return torch.cat(
        [
            small.encode(voice.reshape(-1, 8)).mean.view(len(x), 3, -1)
            for small, voice in zip(smalls, voices, strict=True)
        ],
        dim=-1,
    )


@pytest.mark.parametrize(("voices", "kept"), [(1, 4), (2, 6), (2, 3)])
def test_equal_parts_have_equal_coordinates(voices: int, kept: int) -> None:
    smalls = [small(4, 1), small(2, 2)][:voices]
    x = windows(400, voices)
    torch.manual_seed(3)
    mixed = torch.linalg.qr(torch.randn(3 * kept, 3 * kept)).Q
    own = codes(x, smalls)[..., :kept] if voices == 1 else codes(x, smalls)
    if own.shape[-1] > kept:  # z holds the main components of the codes of its parts
        flat = own.flatten(0, 1)
        own = own @ torch.linalg.eigh((flat - flat.mean(0)).t().cov()).eigenvectors[:, -kept:]
    # A little noise, so that z has as many dimensions as it seems to have.
    z = (own.flatten(1) + 1e-3 * torch.randn(400, 3 * kept)) @ mixed.T
    basis = parts_basis(z, x, smalls, 3)
    assert basis.shape == (3 * kept, 3 * kept)
    first, middle, last = ((z - z.mean(0)) @ basis).unflatten(1, (3, kept)).unbind(1)
    scale = first.std()
    assert float((first - last).abs().mean() / scale) < 0.1
    assert float((first - middle).abs().mean() / scale) > 0.5


def test_what_does_not_fit_is_refused() -> None:
    x = windows(50, 1)
    with pytest.raises(ValueError, match="1 voices need as many models of parts, not 2"):
        parts_basis(torch.randn(50, 6), x, [small(2, 1), small(2, 2)], 3)
    with pytest.raises(ValueError, match="4 windows of the models of parts do not make 24 steps"):
        parts_basis(torch.randn(50, 8), x, [small(2, 1)], 4)
    with pytest.raises(ValueError, match="7 dimensions do not make 3 groups"):
        parts_basis(torch.randn(50, 7), x, [small(4, 1)], 3)
    with pytest.raises(ValueError, match="12 dimensions do not make 3 groups of at most 2"):
        parts_basis(torch.randn(50, 12), x, [small(2, 1)], 3)
