"""What every sequence model promises beside: one distribution, however it is asked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqvae.music.evaluate import measure
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.text.codec import TextCodec
from seqvae.text.evaluate import accuracies
from vaecore.space import LatentSpace


@pytest.fixture(autouse=True)
def _only_sequences(space: LatentSpace) -> None:
    if not isinstance(space.codec, SequenceCodec | TextCodec):
        pytest.skip("not a sequence model")


def _voices(space: LatentSpace, logits: Tensor, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return logits `(n, steps, classes)` and class indices `(n, steps)` of each voice."""
    classes = space.codec.classes
    if x.is_floating_point():  # the logits of a performance are those of its hits
        x, classes = hit_classes(x), 1 << classes
    sizes = [classes] if isinstance(classes, int) else list(classes)
    assert logits.shape == (*x.shape[:2], sum(sizes))
    voices = x.view(*x.shape[:2], len(sizes)).unbind(-1)
    return list(zip(logits.split(sizes, dim=-1), voices, strict=True))


@torch.no_grad()
def test_the_likelihood_is_that_of_the_logits(space: LatentSpace, codes: Tensor, x: Tensor) -> None:
    if x.is_floating_point():
        pytest.skip("a performance has a density beside the logits of its hits")
    target = x.roll(1, 0)
    expected = torch.zeros(len(codes))
    for logits, true in _voices(space, space.model.logits(codes, target), target):
        log_prob = logits.log_softmax(-1)
        expected += log_prob.gather(-1, true.unsqueeze(-1)).squeeze(-1).sum(1)
    torch.testing.assert_close(
        space.model.log_likelihood(target, codes), expected, atol=1e-3, rtol=1e-5
    )


@torch.no_grad()
def test_greedy_decoding_follows_its_own_logits(
    space: LatentSpace, codes: Tensor, x: Tensor
) -> None:
    for logits, chosen in _voices(space, space.model.logits(codes, x), x):
        best, second = logits.topk(2).values.unbind(-1)
        clear = best - second > 1e-4  # a tie may be decided either way
        assert clear.float().mean() > 0.99
        assert torch.equal(logits.argmax(-1)[clear], chosen[clear])


def test_windows_are_what_the_codec_reads(space: LatentSpace, x: Tensor) -> None:
    architecture = space.model.architecture
    assert (architecture.steps, architecture.classes) == (space.codec.steps, space.codec.classes)
    assert x.shape[1:] == space.codec.shape == architecture.shape
    if x.is_floating_point():
        hits, velocity, offset = blocks(x)
        assert hits.unique().tolist() == [0, 1]
        assert ((velocity >= 0) & (velocity <= hits)).all()
        assert (offset.abs() <= hits).all()
        return
    assert x.dtype == torch.int64
    assert (x >= 0).all()
    assert (x < torch.tensor(space.codec.classes)).all()


def test_the_figures_of_an_evaluation(space: LatentSpace, x: Tensor) -> None:
    text = isinstance(space.codec, TextCodec)
    figures = (accuracies if text else measure)(space.model, x)
    assert figures["examples"] == 64
    shares = [value for name, value in figures.items() if name.endswith(("accuracy", "f1"))]
    kinds = ["text"] if text else space.codec.voice_names
    counted = [4 + ("drums" in kinds)]
    if len(kinds) > 1:
        counted += [4 + (kind == "drums") for kind in kinds]
    assert len(shares) == sum(counted)
    assert all(0 <= share <= 1 for share in shares)
    assert figures["nll"] > 0 or x.is_floating_point()
    assert figures["kl_nats"] > 0
