"""The trainer: that it learns, resumes exactly, keeps the best, and ends as it is told."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.training.config import OptimizerConfig, TrainingConfig

pytest.importorskip("lightning")

from trained import DATA_DIM, Decoder, Loader, make_model, train


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    optimizer = OptimizerConfig(learning_rate=0.02, schedule="constant")
    _, short = train(tmp_path / "a", max_steps=5, optimizer=optimizer)
    model, long = train(tmp_path / "b", max_steps=150, validate_every=30, optimizer=optimizer)
    assert long.best["validation/loss"] < 0.5 * short.best["validation/loss"]
    assert (long.steps, long.stopped) == (150, "steps")
    assert long.best["validation/active_units"] == 2
    assert long.best["validation/loss"] == pytest.approx(
        long.best["validation/reconstruction"] + long.best["validation/kl"], rel=1e-5
    )
    assert not model.training
    assert list((tmp_path / "b" / "logs").glob("events.*"))


@pytest.mark.parametrize(("steps", "ema_decay"), [(10, None), (7, 0.9), (9, 0.9)])
def test_resuming_continues_bit_for_bit(
    interrupt, tmp_path: Path, steps: int, ema_decay: float | None
) -> None:
    options = {"ema_decay": ema_decay, "optimizer": OptimizerConfig(schedule="cosine")}
    whole, reference = train(tmp_path / "whole", **options)
    train(tmp_path / "parts", callbacks=[interrupt(steps)], **options)
    checkpoint = tmp_path / "parts" / "last.ckpt"
    resumed, result = train(tmp_path / "parts", resume=checkpoint, **options)
    assert result.steps == 20
    assert {key: result.best[key] for key in reference.best} == reference.best
    last = {
        name: torch.load(tmp_path / name / "last.ckpt", weights_only=True)
        for name in ("whole", "parts")
    }
    for key, value in last["whole"]["state_dict"].items():
        assert torch.equal(value, last["parts"]["state_dict"][key]), key
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_signal_saves_and_ends_the_training(interrupt, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    _, result = train(tmp_path, callbacks=[interrupt(7)], max_steps=1000)
    assert result.stopped == "interrupted"
    assert result.steps in (7, 8)
    assert result.checkpoint.is_file()
    assert torch.load(result.checkpoint, weights_only=True)["global_step"] == result.steps
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_best_model_is_saved_and_returned(tmp_path: Path) -> None:
    saved: list[tuple[int, dict]] = []

    def save(model: VAE, output: Path) -> None:
        assert output == tmp_path
        saved.append({k: v.clone() for k, v in model.state_dict().items()})

    scores = iter([3.0, 1.0, 2.0, 4.0])

    def metrics(model: VAE, batch: Tensor) -> dict[str, float]:
        if batch[0, 0] == first:
            metrics.now = next(scores)
        return {"score": metrics.now}

    first = next(iter(Loader(2, fixed=True)))[0, 0]
    model, result = train(
        tmp_path, save=save, metrics=metrics, monitor="validation/score", ema_decay=0.9
    )
    assert len(saved) == 2
    assert result.best_step == 10
    assert result.best["validation/score"] == 1.0
    for name, value in model.state_dict().items():
        assert torch.equal(value, saved[-1][name])


def test_patience_and_minutes_end_a_training(tmp_path: Path) -> None:
    options = {"metrics": lambda model, batch: {"score": 1.0}, "monitor": "validation/score"}
    _, result = train(tmp_path / "a", max_steps=1000, patience=2, **options)
    assert (result.stopped, result.steps, result.best_step) == ("patience", 15, 5)
    _, result = train(tmp_path / "b", max_steps=100_000, max_minutes=0.01, validate_every=10**6)
    assert result.stopped == "minutes"
    assert result.best  # it is validated once more at the end


def test_validation_uses_the_averaged_weights(tmp_path: Path) -> None:
    model, result = train(tmp_path, max_steps=5, ema_decay=0.9)
    raw = torch.load(result.checkpoint, weights_only=True)["state_dict"]
    key = "decoder.body.weight"
    assert not torch.equal(model.state_dict()[key], raw[f"model.{key}"])


def test_unusable_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="learning_rat\n"):
        TrainingConfig(optimizer={"learning_rat": 1})
    with pytest.raises(ValueError, match="max_steps"):
        TrainingConfig(max_steps=0)
    with pytest.raises(DataError, match="no checkpoint"):
        train(tmp_path, resume=tmp_path / "missing.ckpt")
    with pytest.raises(ValueError, match=r"no metric 'validation/los'; known are .*validation/kl"):
        train(tmp_path, monitor="validation/los")


@pytest.mark.parametrize(("name", "value"), [("batch_size", 8), ("accumulate", 2), ("seed", 3)])
def test_other_steps_are_not_gone_on_with(tmp_path: Path, name: str, value: int) -> None:
    _, result = train(tmp_path, max_steps=5)
    old = getattr(TrainingConfig(), name)
    message = f"was trained with training.{name}={old}, the recipe says {value}; resume with"
    with pytest.raises(DataError, match=message):
        train(tmp_path, resume=result.checkpoint, **{name: value})


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    _, result = train(tmp_path, max_steps=5)
    other = make_model()
    other.decoder.body = nn.Linear(2, DATA_DIM, bias=False)
    with pytest.raises(DataError, match=r"unknown tensor 'model.decoder.body.bias'") as caught:
        train(tmp_path, other, resume=result.checkpoint)
    assert caught.value.path == result.checkpoint
    other.encoder.body[0] = nn.Linear(DATA_DIM, 17)
    other.decoder = Decoder()
    with pytest.raises(DataError, match=r"has shape \(16,\), the architecture needs \(17,\)"):
        train(tmp_path, other, resume=result.checkpoint)
    for content in (b"nothing", result.checkpoint.read_bytes()[:2000]):
        (tmp_path / "broken.ckpt").write_bytes(content)
        with pytest.raises(DataError, match="is no checkpoint that can be read"):
            train(tmp_path, resume=tmp_path / "broken.ckpt")
