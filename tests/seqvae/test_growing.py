"""A model of long windows begins with what models of short ones can do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from seqvae.music.networks import growing
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.growing import grow
from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE

SIZES = {
    "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 12, "decoder_layers": 2, "summary_dim": 4,
}  # fmt: skip
BARS, STEPS, CODE = 4, 4, 3


def small(classes: int = 6, seed: int = 1, bars: int = 1, **options: Any) -> SequenceVAE:
    """Return a flat model that listens to its inputs."""
    torch.manual_seed(seed)
    settings = {"latent_dim": CODE, **SIZES, **options}
    model = SequenceVAE(SequenceArchitecture(bars * STEPS, classes, **settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def large(classes: Any = 6, seed: int = 2, **options: Any) -> SequenceVAE:
    torch.manual_seed(seed)
    settings = {
        "latent_dim": 32, "segment_dim": 24, "conductor_dim": 8, "levels": [BARS, STEPS],
        "encoder_levels": [BARS, STEPS], **SIZES, **options,
    }  # fmt: skip
    return SequenceVAE(SequenceArchitecture(BARS * STEPS, classes, **settings)).eval()


def windows(n: int, voices: int = 1) -> Tensor:
    shape = (n, BARS * STEPS) if voices == 1 else (n, BARS * STEPS, voices)
    return torch.randint(0, 6, shape, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the random paths that the small models do not have."""
    monkeypatch.setattr(growing, "SMALL", 0.0)


@pytest.mark.usefixtures("_exact")
@torch.no_grad()
def test_with_one_bar_each_it_is_the_small_model_bar_by_bar() -> None:
    one, model, x = small(), large(), windows(200)
    grow(model, [one], x)
    new = windows(230)[200:]
    z = model.encode(new).mean
    bars = fold(new, BARS)
    codes = one.encode(bars).mean
    expected = one.logits(codes, bars).unflatten(0, (-1, BARS)).flatten(1, 2)
    torch.testing.assert_close(model.logits(z, new), expected, atol=2e-3, rtol=1e-3)
    assert torch.equal(model.decode(z), one.decode(codes).unflatten(0, (-1, BARS)).flatten(1))


@pytest.mark.usefixtures("_exact")
@torch.no_grad()
def test_codes_are_of_variance_one_and_uncorrelated() -> None:
    one, model, x = small(), large(), windows(400)
    grow(model, [one], x)
    posterior = model.encode(x)
    used = BARS * CODE
    total = posterior.mean.t().cov() + posterior.stddev.square().mean(0).diag()
    torch.testing.assert_close(total[:used, :used], torch.eye(used), atol=0.05, rtol=0)
    assert posterior.mean.mean(0).abs().max() < 1e-3
    # Dimensions beyond those of the small codes say nothing.
    assert posterior.mean[:, used:].abs().max() < 1e-5
    torch.testing.assert_close(
        posterior.stddev[:, used:], torch.ones(400, 32 - used), atol=1e-3, rtol=0
    )


@pytest.mark.usefixtures("_exact")
@torch.no_grad()
def test_fewer_dimensions_keep_what_bars_have_in_common() -> None:
    """Of phrases that repeat one bar, the code of one bar is all there is to say."""
    one, model = small(), large(latent_dim=CODE)
    x = windows(300)[:, :STEPS].repeat(1, BARS)
    grow(model, [one], x)
    bars = fold(x, BARS)
    expected = one.decode(one.encode(bars).mean).unflatten(0, (-1, BARS)).flatten(1)
    found = model.decode(model.encode(x).mean)
    assert (found == expected).float().mean() > 0.95


@pytest.mark.usefixtures("_exact")
@torch.no_grad()
def test_each_voice_begins_with_a_model_of_its_own() -> None:
    smalls = [small(6, 1), small(6, 4), small(8, 5, head="chain", tokens="drums")]
    heads, tokens = ["softmax", "softmax", "chain"], ["plain", "plain", "drums"]
    model = large([6, 6, 8], tokens=tokens, head=heads, latent_dim=64, segment_dim=48)
    x = windows(300, 3)
    grow(model, smalls, x)
    found = model.decode(model.encode(x).mean)
    for voice, one in enumerate(smalls):
        bars = fold(x[..., voice], BARS)
        expected = one.decode(one.encode(bars).mean).unflatten(0, (-1, BARS)).flatten(1)
        assert (found[..., voice] == expected).float().mean() > 0.98


@torch.no_grad()
def test_models_of_two_bars_give_each_bar_its_place() -> None:
    """What the second bar of a pair was told is told to every second bar."""
    two, model, x = small(bars=2), large(), windows(300)
    grow(model, [two], x)
    z = model.encode(x).mean
    found = model.decode(z).unflatten(1, (2, -1)).flatten(0, 1)
    pairs = fold(x, 2)
    expected = two.decode(two.encode(pairs).mean)
    same = (found == expected).float().mean(0)
    other = (found.roll(STEPS, 1) == expected).float().mean()
    assert same[:STEPS].mean() > other + 0.1
    assert same[STEPS:].mean() > other + 0.1


@pytest.mark.parametrize(
    ("model", "smalls", "message"),
    [
        (large(levels=[]), [small()], "two levels"),
        (large(levels=[2, 2, 4], encoder_levels=[2, 2, 4]), [small()], "two levels"),
        (large(readout="final"), [small()], "by steps"),
        (large(), [small(), small()], "1 voices need as many models, not 2"),
        (large(), [small(conditioning="shared")], "flat, with readout and conditioning by steps"),
        (large(), [small(7)], "cannot be initialised from"),
        (large(), [small(decoder_dim=11)], "decoder_dim is 12, in the small model 11"),
        (large(), [small(bars=3)], "do not divide 4 bars of 4 steps"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_named(
    model: SequenceVAE, smalls: list[SequenceVAE], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        grow(model, smalls, windows(50))
