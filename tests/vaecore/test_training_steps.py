"""The steps of a training: rates, gradients, accumulated batches, precision, ranks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.training.config import OptimizerConfig, TrainingConfig
from vaecore.training.ranks import Ranks

pytest.importorskip("lightning")

from trained import Decoder, Encoder, Rows, losses, make_model, train


def test_learning_rates() -> None:
    reference = OptimizerConfig()  # MusicVAE: 3.74e-4 at 10k steps, 1.004e-5 at 100k
    assert reference.rate(0, 10**6) == pytest.approx(1e-3)
    assert reference.rate(10_000, 10**6) == pytest.approx(3.74e-4, rel=2e-3)
    assert reference.rate(100_000, 10**6) == pytest.approx(1.004e-5, rel=1e-3)
    cosine = OptimizerConfig(schedule="cosine", warmup_steps=10, min_learning_rate=0)
    assert cosine.rate(0, 110) == pytest.approx(1e-4)
    assert cosine.rate(10, 110) == pytest.approx(1e-3)
    assert cosine.rate(60, 110) == pytest.approx(5e-4)
    assert cosine.rate(110, 110) == pytest.approx(0, abs=1e-12)
    assert cosine.rate(20, 110, time_share=0.5) == pytest.approx(5e-4)
    assert cosine.rate(60, 110, time_share=0.2) == pytest.approx(5e-4)


def test_a_cosine_ends_with_the_time(tmp_path: Path) -> None:
    optimizer = OptimizerConfig(schedule="cosine")
    options = {"max_steps": 10**6, "validate_every": 10**6, "log_every": 1}
    train(tmp_path, max_minutes=0.01, optimizer=optimizer, **options)
    rates = losses(tmp_path, "train/learning_rate")
    assert list(rates.values()) == sorted(rates.values(), reverse=True)
    assert rates[max(rates)] < 0.5 * rates[1]
    # It goes on from there, and not from where the steps alone would be.
    train(tmp_path, resume=tmp_path / "last.ckpt", max_minutes=0.01, optimizer=optimizer, **options)
    assert losses(tmp_path, "train/learning_rate")[max(rates) + 1] <= rates[max(rates)]


def test_each_rank_hides_its_own_units_and_the_same_again() -> None:
    from vaecore.training.module import TrainingModule

    module = TrainingModule(make_model(), TrainingConfig(accumulate=2))

    def hidden(rank: int, batch: int) -> list[float]:
        module.ranks = Ranks(rank, 2)
        module.on_train_batch_start(torch.zeros(1), batch)
        return torch.dropout(torch.ones(100), 0.5, True).tolist()

    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    first, again = ([hidden(*place) for place in places] for _ in range(2))
    assert first == again
    assert all(first[i] != first[j] for i in range(4) for j in range(i))


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    options = {"log_every": 1, "ema_decay": 0.9, "optimizer": OptimizerConfig(schedule="cosine")}
    large, result = train(
        tmp_path / "large", make_model(0.0), train_loader=Rows(32), batch_size=32, **options
    )
    small, again = train(
        tmp_path / "small",
        make_model(0.0),
        train_loader=Rows(8, 4),
        batch_size=8,
        accumulate=4,
        **options,
    )
    assert (result.steps, again.steps) == (20, 20)
    assert again.best == pytest.approx(result.best, rel=1e-4)
    one, other = losses(tmp_path / "large"), losses(tmp_path / "small")
    assert sorted(one) == sorted(other) == list(range(1, 21))
    assert other == pytest.approx(one, rel=1e-5)
    for a, b in zip(large.parameters(), small.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [5, 7, 9])
def test_accumulation_resumes_bit_for_bit(interrupt, tmp_path: Path, steps: int) -> None:
    options = {"batch_size": 8, "accumulate": 3, "ema_decay": 0.9}
    whole, _ = train(tmp_path / "whole", train_loader=Rows(8, 3), **options)
    _, stopped = train(
        tmp_path / "parts", train_loader=Rows(8, 3), callbacks=[interrupt(steps)], **options
    )
    assert stopped.stopped == "interrupted"
    assert stopped.steps < 20
    resumed, result = train(
        tmp_path / "parts", train_loader=Rows(8, 3), resume=stopped.checkpoint, **options
    )
    assert result.steps == 20
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("32", torch.float32), (32, torch.float32), ("bf16", torch.bfloat16)]
)
def test_precision(tmp_path: Path, precision, dtype: torch.dtype) -> None:
    model, result = train(tmp_path, max_steps=60, validate_every=60, precision=precision)
    assert model.decoder.dtypes == {dtype}
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert torch.isfinite(torch.tensor(result.best["validation/loss"]))


def test_a_model_that_knows_mixed_precision_is_told(tmp_path: Path) -> None:
    for precision, mixed in (("32", False), ("bf16", True)):
        model = make_model()
        model.decoder.mixed_precision = not mixed
        train(tmp_path, model, max_steps=1, precision=precision)
        assert model.mixed_precision is mixed
        assert model.decoder.dtypes == {torch.float32}  # what to cast is its own affair
    with pytest.raises(ValueError, match="precision"):
        TrainingConfig(precision="16")


def test_a_hopeless_gradient_changes_nothing(tmp_path: Path) -> None:
    class Broken(Decoder):
        def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
            return super().log_likelihood(x, z) * (1e30 if self.training else 1.0)

    torch.manual_seed(0)
    model = VAE(Encoder(), Broken(), 2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    train(tmp_path, model, max_steps=5)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_training_that_throws_every_gradient_away_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="100 gradients in a row were thrown away"):
        train(tmp_path, hopeless_norm=1e-9, max_steps=150)
