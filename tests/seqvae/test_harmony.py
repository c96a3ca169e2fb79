"""A bass that is tilted towards the notes that suit a melody."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.harmony import AHEAD, Harmony, tilted
from seqvae.music.networks.model import SequenceVAE

STEPS, CLASSES, LATENT = 8, 26, 5
FIFTH = [0.0] * 7 + [8.0] + [0.0] * 4
VOICES: dict[str, Any] = {
    "classes": [CLASSES, CLASSES, 8],
    "tokens": ["melody", "melody", "drums"],
    "levels": [2, 4],
}


def make(**options: Any) -> SequenceVAE:
    torch.manual_seed(1)
    sizes = {"latent_dim": LATENT, "embedding_dim": 6, "encoder_dim": 7, "decoder_dim": 8}
    return SequenceVAE(SequenceArchitecture(STEPS, **(sizes | VOICES | options))).eval()


def codes(n: int = 70) -> torch.Tensor:
    return 3 * torch.randn(n, LATENT, generator=torch.Generator().manual_seed(0))


def test_a_note_is_tilted_by_its_interval_to_the_melody_of_the_beat() -> None:
    melody = torch.zeros(1, 16, dtype=torch.long)
    melody[0, 4], melody[0, 10], melody[0, 12] = 20, 1, 15  # begins, ends, another begins
    tilt = Harmony(FIFTH, CLASSES)(melody)[0]
    assert tilt.shape == (16, CLASSES)
    of_first, of_second = (tilt[:, note] for note in (13, 8))
    assert of_first[4:7].tolist() == [8, 8, 8]  # it sounds on all the beat
    assert of_first[2] == pytest.approx(8 * 2 / AHEAD)  # begins half a beat later
    assert of_second[12].item() == 8
    assert torch.equal(tilt[:, 13], tilt[:, 25])  # an octave higher
    assert tilt[:, [14, 15]].abs().sum() == 0  # other intervals


def test_tilted_notes_begin_as_often_as_before() -> None:
    logits = torch.randn(50, CLASSES, generator=torch.Generator().manual_seed(3))
    tilt = 5 * torch.randn(50, CLASSES, generator=torch.Generator().manual_seed(4))
    before, after = logits.softmax(-1), tilted(logits, tilt).softmax(-1)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    odds = (after / before)[:, 2:].log() - tilt[:, 2:]
    torch.testing.assert_close(odds, odds[:, :1].expand_as(odds), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(tilted(logits, torch.zeros_like(tilt)), logits)


@torch.no_grad()
def test_a_bass_follows_the_melody_and_nothing_else_changes() -> None:
    plain, model = make(), make(harmony=FIFTH)
    assert model.state_dict().keys() == plain.state_dict().keys()
    z = codes()
    decoded, without = model.decode(z), plain.decode(z)
    assert torch.equal(decoded[..., [0, 2]], without[..., [0, 2]])
    assert not torch.equal(decoded[..., 1], without[..., 1])
    parts = model.logits(z, decoded).split([CLASSES, CLASSES, 8], dim=-1)
    assert torch.equal(torch.stack([part.argmax(-1) for part in parts], dim=-1), decoded)
    total = sum(
        part.log_softmax(-1).gather(-1, decoded[..., [k]]).sum((1, 2))
        for k, part in enumerate(parts)
    )
    torch.testing.assert_close(model.log_likelihood(decoded, z), total)
    taught = model.train().log_likelihood(decoded, z)
    torch.testing.assert_close(taught, plain.log_likelihood(decoded, z))
    model.eval()
    drawn = model.decode(z, 1.0, 3)
    assert torch.equal(drawn[:5], model.decode(z[:5], 1.0, 3))
    assert torch.equal(make(harmony=[0.0] * 12).decode(z, 1.0, 3), plain.decode(z, 1.0, 3))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"harmony": [1.0] * 11}, "12 numbers"),
        ({"harmony": [float("nan")] * 12}, "12 numbers"),
        ({"levels": []}, "first two voices"),
        (
            {"tokens": ["melody", "drums", "drums"], "classes": [26, 8, 8]},
            "first two voices",
        ),
        ({"tokens": "melody", "classes": 26}, "first two voices"),
        (
            {"head": ["softmax", "chain", "softmax"], "classes": [32, 32, 8]},
            "first two voices",
        ),
    ],
)
def test_what_cannot_be_tilted_is_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make(**{"harmony": FIFTH, **wrong})
