"""Choosing tokens: the right distribution, from noise that belongs to the row alone."""

from __future__ import annotations

import pytest
import torch

from seqvae.sequences.sampling import choose, uniform_noise

CPU = torch.device("cpu")


def test_a_row_of_noise_depends_on_seed_and_row_alone() -> None:
    noise = uniform_noise(40, (7, 2), seed=1, device=CPU)
    assert noise.shape == (40, 7, 2)
    assert ((noise >= 0) & (noise < 1)).all()
    for batch in (1, 2, 17, 39):
        assert torch.equal(uniform_noise(batch, (7, 2), seed=1, device=CPU), noise[:batch])
    assert not torch.equal(uniform_noise(40, (7, 2), seed=2, device=CPU), noise)


def test_temperature_zero_is_the_most_likely() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0], [5.0, -1.0, 2.0]])
    assert choose(logits, 0.0).tolist() == [1, 0]
    assert choose(logits, 0.0, torch.tensor([0.99, 0.99])).tolist() == [1, 0]


def test_noise_inverts_the_cumulative_distribution() -> None:
    logits = torch.tensor([0.5, 0.25, 0.25]).log().expand(6, 3)
    noise = torch.tensor([0.0, 0.49, 0.51, 0.74, 0.76, 0.9999999])
    assert choose(logits, 1.0, noise).tolist() == [0, 0, 1, 1, 2, 2]
    assert choose(logits + 100, 1.0, noise).tolist() == [0, 0, 1, 1, 2, 2]  # need not be normalised


def test_what_is_impossible_is_never_chosen() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(3, 3)
    assert choose(logits, 1.0, torch.tensor([0.0, 0.5, 0.9999999])).tolist() == [1, 1, 1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_temperature(temperature: float) -> None:
    logits = torch.tensor([1.0, 0.0, -1.0, 0.5])
    n = 20_000
    chosen = choose(logits.expand(n, 4), temperature, uniform_noise(n, (), 3, CPU))
    frequency = torch.bincount(chosen, minlength=4) / n
    expected = torch.softmax(logits / temperature, 0)
    torch.testing.assert_close(frequency, expected, atol=0.015, rtol=0)


def test_a_low_temperature_nears_the_most_likely() -> None:
    logits = torch.randn(50, 9, generator=torch.Generator().manual_seed(1))
    noise = uniform_noise(50, (), 1, CPU)
    assert torch.equal(choose(logits, 1e-6, noise), logits.argmax(-1))
    assert not torch.equal(choose(logits, 1.0, noise), logits.argmax(-1))
