"""Output heads: exact distributions, whichever way they are asked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seqvae.sequences.heads import HEADS, ChainHead, SoftmaxHead

HIDDEN = 6


@pytest.fixture(params=["softmax", "chain"])
def head(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(1)
    made = HEADS[request.param](HIDDEN, 512)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(3, 4, HIDDEN, generator=torch.Generator().manual_seed(2))


def test_log_prob_is_the_log_softmax_of_the_logits(head: nn.Module, hidden: Tensor) -> None:
    target = torch.randint(0, 512, (3, 4), generator=torch.Generator().manual_seed(3))
    logits = head(hidden)
    assert logits.shape == (3, 4, 512)
    expected = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(head.log_prob(hidden, target), expected)


def test_log_prob_sums_to_one_over_all_classes(head: nn.Module, hidden: Tensor) -> None:
    one = hidden[:1, :1].expand(512, 1, HIDDEN)
    total = head.log_prob(one, torch.arange(512).unsqueeze(1)).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-4)


def test_a_chain_is_normalised_as_it_is(hidden: Tensor) -> None:
    head = ChainHead(HIDDEN, 512)
    nn.init.normal_(head.node_bias)
    torch.testing.assert_close(head(hidden).logsumexp(-1), torch.zeros(3, 4), atol=1e-5, rtol=0)


def test_a_chain_decides_bit_by_bit() -> None:
    head = ChainHead(1, 4)
    nn.init.zeros_(head.projection.weight)
    with torch.no_grad():
        head.projection.bias.copy_(torch.tensor([0.0, 1.0]))
        head.node_bias.copy_(torch.tensor([2.0, -3.0, 4.0]))  # of bit 0, bit 1 if off, bit 1 if on
    low = torch.sigmoid(torch.tensor(2.0))
    high = torch.sigmoid(torch.tensor([1.0 - 3.0, 1.0 + 4.0]))
    expected = torch.stack(
        [(1 - low) * (1 - high[0]), low * (1 - high[1]), (1 - low) * high[0], low * high[1]]
    )
    torch.testing.assert_close(head(torch.zeros(1)).exp(), expected)


def test_a_chain_is_sure_without_overflow() -> None:
    head = ChainHead(1, 4)
    with torch.no_grad():
        head.projection.bias.fill_(1e4)
        head.projection.weight.zero_()
    assert head(torch.zeros(1)).argmax() == 3
    assert head.log_prob(torch.zeros(1, 1), torch.tensor([3])).item() == 0
    assert head.log_prob(torch.zeros(1, 1), torch.tensor([0])).item() == pytest.approx(-2e4)


@pytest.mark.parametrize("classes", [90, 3, 511])
def test_a_chain_needs_binary_parts(classes: int) -> None:
    with pytest.raises(ValueError, match=f"power of two of classes, got {classes}"):
        ChainHead(HIDDEN, classes)


def test_log_probabilities_are_32_bit_in_any_precision(hidden: Tensor) -> None:
    for head in (SoftmaxHead(HIDDEN, 8), ChainHead(HIDDEN, 8)):
        target = torch.zeros(3, 4, dtype=torch.int64)
        with torch.autocast("cpu", torch.bfloat16):
            value = head.log_prob(hidden, target)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, head.log_prob(hidden, target), atol=0.05, rtol=0.02)
        assert head.bfloat16().log_prob(hidden.bfloat16(), target).dtype == torch.float32
