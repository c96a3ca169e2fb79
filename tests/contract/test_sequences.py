"""What every sequence model promises beside: one distribution, however it is asked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqvae.codecs.base import SequenceCodec
from seqvae.evaluate import measure
from seqvae.text.codec import TextCodec
from seqvae.text.evaluate import accuracies
from vaecore.space import LatentSpace


@pytest.fixture(autouse=True)
def _only_sequences(space: LatentSpace) -> None:
    if not isinstance(space.codec, SequenceCodec | TextCodec):
        pytest.skip("not a sequence model")


@torch.no_grad()
def test_the_likelihood_is_that_of_the_logits(space: LatentSpace, codes: Tensor, x: Tensor) -> None:
    target = x.roll(1, 0)
    log_prob = space.model.logits(codes, target).log_softmax(-1)
    expected = log_prob.gather(-1, target.unsqueeze(-1)).squeeze(-1).sum(1)
    torch.testing.assert_close(
        space.model.log_likelihood(target, codes), expected, atol=1e-3, rtol=1e-5
    )


@torch.no_grad()
def test_greedy_decoding_follows_its_own_logits(
    space: LatentSpace, codes: Tensor, x: Tensor
) -> None:
    logits = space.model.logits(codes, x)
    assert logits.shape == (*x.shape, space.codec.classes)
    best, second = logits.topk(2).values.unbind(-1)
    clear = best - second > 1e-4  # a tie may be decided either way
    assert clear.float().mean() > 0.99
    assert torch.equal(logits.argmax(-1)[clear], x[clear])


def test_windows_are_what_the_codec_reads(space: LatentSpace, x: Tensor) -> None:
    architecture = space.model.architecture
    assert (architecture.steps, architecture.classes) == (space.codec.steps, space.codec.classes)
    assert x.dtype == torch.int64
    assert x.shape[1] == space.codec.steps
    assert 0 <= x.min() <= x.max() < space.codec.classes


def test_the_figures_of_an_evaluation(space: LatentSpace, x: Tensor) -> None:
    text = isinstance(space.codec, TextCodec)
    figures = (accuracies if text else measure)(space.model, x)
    assert figures["examples"] == 64
    shares = [value for name, value in figures.items() if name.endswith(("accuracy", "f1"))]
    assert len(shares) == 4 + (space.codec.name == "drums")
    assert all(0 <= share <= 1 for share in shares)
    assert figures["nll"] > 0
    assert figures["kl_nats"] > 0
