"""Phrases are rows enough by their bars: one is decoded as one, and comes out as in any batch."""

from __future__ import annotations

import pytest
import torch

import seqvae
from seqvae.music.networks.decoder import SequenceDecoder
from seqvae.music.networks.encoder import Reader
from vaecore.space import LatentSpace


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return seqvae.load("melody_16bar").as_examples()


def counted(monkeypatch: pytest.MonkeyPatch, kind: type, method: str, dim: int) -> list[int]:
    """Return a list that the batch of each call of a method is added to."""
    rows: list[int] = []
    plain = getattr(kind, method)

    def count(self, x, *arguments, **more):
        rows.append(x.shape[dim])
        return plain(self, x, *arguments, **more)

    monkeypatch.setattr(kind, method, count)
    return rows


def test_one_phrase_is_not_computed_sixteen_times(
    space: LatentSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = counted(monkeypatch, SequenceDecoder, "unroll", 0)
    read = counted(monkeypatch, Reader, "read", 1)
    z = torch.randn(1, space.latent_dim, generator=torch.Generator().manual_seed(0))
    space.encode(space.decode_to_examples(z))
    assert decoded == [16]  # bars
    assert read == [16, 1]


def test_a_phrase_is_the_same_in_every_batch(space: LatentSpace) -> None:
    z = torch.randn(18, space.latent_dim, generator=torch.Generator().manual_seed(1))
    x, drawn = space.decode_to_examples(z), space.decode_to_examples(z, 1.0, seed=2)
    known = space.posterior_of(x)
    for n in (1, 3):
        assert torch.equal(space.decode_to_examples(z[:n]), x[:n])
        assert torch.equal(space.decode_to_examples(z[:n], 1.0, seed=2), drawn[:n])
        own = space.posterior_of(x[:n])
        assert torch.equal(own.mean, known.mean[:n])
        assert torch.equal(own.stddev, known.stddev[:n])
