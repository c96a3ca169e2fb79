"""Quality figures, of models whose figures are known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from seqvae.music.evaluate import MEASURED_AT_ONCE, compare, evaluate, measure
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.representations import SequenceCodec, make_codec
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.space import LatentSpace

CLASSES = 8


class Rigged(VAE):
    """A sequence model whose code is the window itself, and whose answers are prescribed.

    Args:
        answer: From true windows `(n, steps)` to the windows that are decoded greedily and
            teacher-forced. Draws at temperature 1 are class 1 throughout.
        tokens: What the classes are made of.
    """

    def __init__(self, answer, tokens: str = "drums", steps: int = 4) -> None:
        super().__init__(nn.Identity(), nn.Linear(1, 1), latent_dim=steps)
        self.architecture = SequenceArchitecture(steps, 512, tokens)
        self.encoder.forward = lambda x: (x.float(), torch.full(x.shape, 0.5))
        self.decoder.generate = self.generate
        self.decoder.log_likelihood = lambda x, z: -(x - z).square().sum(1)
        self.answer = answer

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        x = z.round().long()
        return torch.ones_like(x) if temperature else self.answer(x)

    def forced(self, z: Tensor, target: Tensor) -> Tensor:
        return self.answer(target)[..., None]


X = torch.tensor([[0, 1, 3, 0], [0, 0, 2, 1], [7, 0, 0, 0]])
HITS = 1 + 2 + 1 + 1 + 3


def test_a_perfect_model() -> None:
    figures = measure(Rigged(lambda x: x), X)
    names = ("teacher_forced_accuracy", "greedy_accuracy", "event_accuracy", "hit_f1")
    assert [figures[name] for name in names] == [1, 1, 1, 1]
    assert figures["sampled_accuracy"] == 2 / 12  # how often class 1 is right
    assert figures["examples"] == 3


def test_a_silent_model() -> None:
    figures = measure(Rigged(torch.zeros_like), X)
    assert figures["greedy_accuracy"] == figures["teacher_forced_accuracy"] == 7 / 12
    assert figures["event_accuracy"] == 0
    assert figures["hit_f1"] == 0


def test_a_model_that_hits_everything() -> None:
    figures = measure(Rigged(lambda x: torch.full_like(x, 7)), X)
    assert figures["event_accuracy"] == 1 / 5
    precision, recall = HITS / (12 * 3), 1
    assert figures["hit_f1"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_melodies_have_no_hits() -> None:
    assert "hit_f1" not in measure(Rigged(lambda x: x, "melody"), X)


def test_voices_are_measured_together_and_each_by_itself() -> None:
    torch.manual_seed(1)
    voices = {"classes": [5, 5, 8], "tokens": ["melody", "melody", "drums"]}
    sizes = {"latent_dim": 4, "embedding_dim": 6, "encoder_dim": 7, "decoder_dim": 8}
    model = SequenceVAE(SequenceArchitecture(6, **voices, **sizes)).eval()
    x = torch.randint(0, 5, (30, 6, 3), generator=torch.Generator().manual_seed(2))
    figures = measure(model, x)
    z = model.encode(x).mean
    names = ("melody", "bass", "drums")
    for kind, guess in (("greedy", model.decode(z)), ("sampled", model.decode(z, 1.0, 0))):
        same = (guess == x).double().detach()
        parts = [figures[f"{name}_{kind}_accuracy"] for name in names]
        assert parts == pytest.approx(same.mean((0, 1)).tolist())
        assert figures[f"{kind}_accuracy"] == pytest.approx(same.mean().item())
    forced = [part.argmax(-1) for part in model.logits(z, x).split([5, 5, 8], dim=-1)]
    for voice, name in enumerate(names):
        same = (forced[voice] == x[..., voice]).double().mean().item()
        assert figures[f"{name}_teacher_forced_accuracy"] == pytest.approx(same)
    assert figures["hit_f1"] == figures["drums_hit_f1"] > 0
    assert "melody_hit_f1" not in figures


def test_likelihood_and_kl_per_window() -> None:
    figures = measure(Rigged(lambda x: x), X, seed=3)
    mean = X.double()
    kl = (0.5 * (mean.square() + 0.25 - 1) - math.log(0.5)).sum(1).mean().item()
    noise = 0.5 * torch.randn(X.shape, generator=torch.Generator().manual_seed(3))
    assert figures["kl_nats"] == pytest.approx(kl)
    assert figures["nll"] == pytest.approx(noise.square().sum(1).mean().item(), rel=1e-5)
    assert figures["elbo"] == pytest.approx(-figures["nll"] - figures["kl_nats"])


def test_figures_are_means_over_all_windows_whatever_the_chunks() -> None:
    n = 2 * MEASURED_AT_ONCE + 10
    x = torch.zeros(n, 4, dtype=torch.int64)
    x[-10:] = 1
    figures = measure(Rigged(torch.zeros_like), x)
    assert figures["examples"] == n
    assert figures["greedy_accuracy"] == pytest.approx((n - 10) / n)
    assert figures["sampled_accuracy"] == pytest.approx(10 / n)
    assert figures["kl_nats"] == pytest.approx(
        4 * (0.5 * (10 / n + 0.25 - 1) - math.log(0.5)), rel=1e-5
    )


def test_equal_seeds_give_equal_figures() -> None:
    model = Rigged(lambda x: x)
    assert measure(model, X, 1) == measure(model, X, 1)
    assert measure(model, X, 1)["nll"] != measure(model, X, 2)["nll"]


@pytest.fixture
def space() -> LatentSpace:
    return LatentSpace(Rigged(lambda x: x, steps=32), make_codec({"name": "drums", "bars": 2}))


def save(space: LatentSpace, path: Path, kicks: list[int]) -> Path:
    x = torch.zeros(32, dtype=torch.int64)
    x[kicks] = 1
    space.codec.decode(x).write(str(path))
    return path


def test_every_different_window_counts_once(space: LatentSpace, tmp_path: Path) -> None:
    files = [
        save(space, tmp_path / "a.mid", [0, 8, 16, 24]),
        save(space, tmp_path / "b.mid", [0, 8, 16, 24]),
        save(space, tmp_path / "c.mid", [0, 4, 20, 28]),
    ]
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    found = evaluate(space, [*files, tmp_path / "broken.mid"])
    assert (found["examples"], found["files"]) == (2, 3)
    assert found["greedy_accuracy"] == 1
    assert list(found["skipped"]) == [str(tmp_path / "broken.mid")]
    assert evaluate(space, files, limit=1)["examples"] == 1
    assert evaluate(space, files, limit=5)["examples"] == 2


def test_nothing_to_evaluate_is_refused(space: LatentSpace, tmp_path: Path) -> None:
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    with pytest.raises(DataError, match="no usable music window in 1 files"):
        evaluate(space, [tmp_path / "broken.mid"])
    with pytest.raises(DataError, match="there is none"):
        evaluate(space, [])


DRUMS, MELODY, TRIO = (make_codec({"name": n, "bars": 2}) for n in ("drums", "melody", "trio"))


def windows(codec: SequenceCodec, seed: int, n: int = 200) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 1 << 30, (n, *codec.shape), generator=generator)
    x %= torch.tensor(codec.classes)
    return x * (torch.rand(x.shape, generator=generator) < 0.4)


@pytest.mark.parametrize("codec", [DRUMS, MELODY, TRIO], ids=lambda codec: codec.name)
def test_a_set_is_no_different_from_itself(codec: SequenceCodec) -> None:
    x = windows(codec, 1)
    result = compare(codec, x, x.flip(0))
    voices = ("melody_", "bass_", "drums_") if codec is TRIO else ("",)
    assert {f"{voice}{name}" for voice in voices for name in ("onsets", "note_density")} < set(
        result
    )
    for row in result.values():
        assert row["divergence"] == 0
        if "samples" in row:
            assert row["samples"] == pytest.approx(row["data"])


@pytest.mark.parametrize("codec", [DRUMS, MELODY], ids=lambda codec: codec.name)
def test_different_music_is_told_apart(codec: SequenceCodec) -> None:
    x = windows(codec, 1)
    alike = compare(codec, windows(codec, 2), x)
    sparse = compare(codec, x * (torch.arange(32) % 4 == 0), x)
    assert alike["onsets"]["divergence"] < 0.01 < 0.3 < sparse["onsets"]["divergence"]
    assert alike["note_density"]["divergence"] < 0.3 < 0.9 < sparse["note_density"]["divergence"]
    assert sparse["note_density"]["samples"] < 0.5 * sparse["note_density"]["data"]


def test_melodies_an_octave_apart_differ_in_pitch_alone() -> None:
    x = windows(MELODY, 1) % 40
    higher = torch.where(x >= 2, x + 48, x)
    result = compare(MELODY, higher, x)
    assert result["pitches"]["divergence"] == pytest.approx(1)
    assert result["average_pitch"]["samples"] == pytest.approx(result["average_pitch"]["data"] + 48)
    assert result["onsets"]["divergence"] == result["note_density"]["divergence"] == 0


def test_drums_of_another_kind_differ_in_drums_alone() -> None:
    x = windows(DRUMS, 1) & 1
    result = compare(DRUMS, x << 1, x)
    assert result["drums"]["divergence"] == pytest.approx(1)
    assert result["onsets"]["divergence"] == 0
    assert (result["kick_density"]["samples"], result["snare_density"]["data"]) == (0, 0)


def test_only_the_voice_that_differs_is_told_apart() -> None:
    x = windows(TRIO, 1)
    sparse = x.clone()
    sparse[..., 1] *= torch.arange(32) % 4 == 0
    result = compare(TRIO, sparse, x)
    assert result["bass_onsets"]["divergence"] > 0.3
    assert result["melody_onsets"]["divergence"] == result["drums_onsets"]["divergence"] == 0
    sparse[..., 1] = 0
    assert "bass_onsets" not in compare(TRIO, sparse, x)


def test_undefined_properties_are_left_out() -> None:
    silence = torch.zeros(5, 32, dtype=torch.int64)
    result = compare(MELODY, torch.where(silence == 0, 30, 0), windows(MELODY, 1))
    assert "average_pitch" in result
    one_note = silence.clone()
    one_note[:, 0] = 30
    assert "average_interval" not in compare(MELODY, one_note, windows(MELODY, 1))
