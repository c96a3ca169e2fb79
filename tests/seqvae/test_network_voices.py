"""Networks of several voices, and of bars that are written at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_network import CLASSES, LATENT, STEPS, make
from torch import Tensor


@pytest.fixture
def x() -> Tensor:
    return torch.randint(0, CLASSES, (6, STEPS), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def z() -> Tensor:
    return 2 * torch.randn(6, LATENT, generator=torch.Generator().manual_seed(2))


VOICES = {"classes": [5, 5, 8], "tokens": ["melody", "melody", "drums"], "head": "softmax"}


@pytest.mark.parametrize("levels", [[], [2, 4]], ids=["flat", "hierarchical"])
def test_voices_are_drawn_together(levels: list[int], z: Tensor) -> None:
    model = make(**VOICES, levels=levels)
    x = torch.randint(0, 5, (6, STEPS, 3), generator=torch.Generator().manual_seed(1))
    logits = model.logits(z, x)
    assert logits.shape == (6, STEPS, 18)
    log_prob = torch.zeros(6)
    for voice, part in enumerate(logits.split([5, 5, 8], dim=-1)):
        target = x[..., voice : voice + 1]
        log_prob += part.log_softmax(-1).gather(-1, target).squeeze(-1).sum(1)
    torch.testing.assert_close(model.log_likelihood(x, z), log_prob, atol=1e-4, rtol=1e-5)
    decoded = model.decode(z)
    again = [part.argmax(-1) for part in model.logits(z, decoded).split([5, 5, 8], dim=-1)]
    assert torch.equal(torch.stack(again, dim=-1), decoded)
    drawn = model.decode(z, 1.0, seed=3)
    assert drawn.shape == (6, STEPS, 3)
    assert torch.equal(model.decode(z[:2], 1.0, seed=3), drawn[:2])
    assert not torch.equal(drawn, decoded)


def test_voices_of_a_hierarchy_are_independent_given_the_code(z: Tensor) -> None:
    """Each instrument has a core decoder of its own, which hears of itself only."""
    model = make(**VOICES, levels=[2, 4])
    x = torch.zeros(6, STEPS, 3, dtype=torch.int64)
    other = x.clone()
    other[..., 1] = 2
    before, after = (model.logits(z, each).split([5, 5, 8], dim=-1) for each in (x, other))
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.allclose(before[1], after[1])


@torch.no_grad()
def test_voices_that_hear_follow_the_first() -> None:
    """Untrained they hear nothing; then each step depends on the melody up to that step."""
    deaf, model = (make(**VOICES, levels=[2, 4], hearing=hearing) for hearing in (False, True))
    model.load_state_dict(deaf.state_dict(), strict=False)
    z = torch.randn(70, LATENT, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.decode(z), deaf.decode(z))
    torch.manual_seed(2)
    for weight in model.decoder.ears.parameters():
        weight.normal_()
    decoded = model.decode(z)
    parts = model.logits(z, decoded).split([5, 5, 8], dim=-1)
    assert torch.equal(torch.stack([part.argmax(-1) for part in parts], dim=-1), decoded)
    assert torch.equal(decoded[..., 0], deaf.decode(z)[..., 0])
    assert not torch.equal(decoded[..., 1:], deaf.decode(z)[..., 1:])
    x = torch.zeros(1, STEPS, 3, dtype=torch.int64)
    other = x.clone()
    other[0, 2, 0] = 3  # begins in the first bar and is held to the end
    before, after = (model.logits(z[:1], each).split([5, 5, 8], dim=-1) for each in (x, other))
    for voice in (1, 2):
        differ = (before[voice] != after[voice]).any(-1)[0]
        assert differ.tolist() == [False] * 2 + [True] * (STEPS - 2)


@pytest.mark.parametrize(
    "wrong",
    [{"classes": 5, "tokens": "melody"}, {"levels": []}, {"tokens": ["drums", "melody", "melody"]}],
    ids=["one voice", "flat", "drums lead"],
)
def test_only_voices_that_a_melody_leads_can_hear(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hearing needs levels"):
        make(**{**VOICES, "levels": [2, 4], "hearing": True, **wrong})


@torch.no_grad()
def test_all_bars_at_once_are_the_bars_one_by_one(z: Tensor) -> None:
    decoder = make(levels=[4, 2]).decoder
    said = decoder.embeddings(z).unflatten(0, (6, 4))
    one_by_one = [decoder.cores[0].unroll(said[:, bar]) for bar in range(4)]
    torch.testing.assert_close(decoder.generate(z, 0.0, 0), torch.cat(one_by_one, dim=1))


@torch.no_grad()
def test_bars_that_are_to_be_the_same_are_drawn_the_same() -> None:
    """The bars of a window share their random numbers, those of two windows do not."""
    decoder = make(levels=[2, STEPS // 2]).decoder
    said = torch.randn(1, decoder.cores[0].initial.in_features).expand(2 * 300, -1)
    decoder.embeddings = lambda z: said
    first, second = decoder.generate(torch.zeros(300, LATENT), 1.0, seed=3).chunk(2, dim=1)
    assert torch.equal(first, second)
    assert len(first.unique(dim=0)) > 50
