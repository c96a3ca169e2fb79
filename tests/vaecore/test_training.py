"""The trainer: that it learns, resumes exactly, keeps the best, and ends as it is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.training.batches import Batches
from vaecore.training.config import OptimizerConfig, TrainingConfig
from vaecore.training.ranks import Ranks

pytest.importorskip("lightning")

from vaecore.training.watching import Progress

DATA_DIM = 6


class Encoder(nn.Module):
    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(DATA_DIM, 16), nn.Tanh(), nn.Dropout(dropout))
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.head(self.body(x)).chunk(2, dim=1)
        return mean, nn.functional.softplus(raw)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, DATA_DIM)
        self.dtypes: set[torch.dtype] = set()

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        y = self.body(z)
        self.dtypes |= {y.dtype} if self.training else set()
        return -10 * ((x - y.float()) ** 2).sum(dim=1)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        return self.body(z)


class Loader:
    """Batches that depend on epoch and position alone, with a state, as a domain's loader."""

    def __init__(self, batches: int = 7, fixed: bool = False) -> None:
        self.batches, self.fixed = batches, fixed
        self.epoch, self.position, self.begun = 0, 0, False

    def __len__(self) -> int:
        return self.batches

    def __iter__(self):
        if self.begun:
            self.epoch, self.position = self.epoch + 1, 0
        self.begun = True
        while self.position < self.batches:
            self.position += 1
            seed = self.position if self.fixed else 1000 * self.epoch + self.position
            generator = torch.Generator().manual_seed(seed)
            z = torch.randn(16, 2, generator=generator)
            yield torch.cat([z, z * 2, -z], dim=1)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        self.begun = self.position >= self.batches


class Rows(Batches):
    """Batches of fixed examples, divided as the trainer wants it."""

    def __init__(self, batch_size: int, accumulate: int = 1) -> None:
        super().__init__(112, batch_size, training=True, accumulate=accumulate)
        z = torch.randn(self.count, 2, generator=torch.Generator().manual_seed(0))
        self.x = torch.cat([z, z * 2, -z], dim=1)

    def batches(self, parts):
        for part in parts:
            yield self.x[part.own]


def make_model(dropout: float = 0.1) -> VAE:
    torch.manual_seed(0)
    return VAE(Encoder(dropout), Decoder(), 2)


def train(output: Path, model: VAE | None = None, *, train_loader=None, resume=None, **options):
    from vaecore.training import fit

    settings = {"max_steps": 20, "validate_every": 5, "accelerator": "cpu", "precision": "32"}
    extra = {
        name: options.pop(name)
        for name in ("metrics", "save", "callbacks", "pictures", "logger")
        if name in options
    }
    config = TrainingConfig(**settings | options)
    model = model or make_model()
    result = fit(
        model,
        train_loader or Loader(),
        Loader(2, fixed=True),
        config,
        output,
        progress=False,
        resume=resume,
        **extra,
    )
    return model, result


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
    tmp_path: Path, steps: int, ema_decay: float | None
) -> None:
    options = {"ema_decay": ema_decay, "optimizer": OptimizerConfig(schedule="cosine")}
    whole, reference = train(tmp_path / "whole", **options)
    train(tmp_path / "parts", callbacks=[stop_after(steps)], **options)
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


def stop_after(steps: int):
    """Return a callback that sends this process SIGTERM at a step."""
    import lightning.pytorch as pl

    class Stop(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step == steps:
                os.kill(os.getpid(), signal.SIGTERM)

    return Stop()


def test_a_signal_saves_and_ends_the_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    _, result = train(tmp_path, callbacks=[stop_after(7)], max_steps=1000)
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


def test_a_hopeless_gradient_changes_nothing(tmp_path: Path) -> None:
    class Broken(Decoder):
        def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
            return super().log_likelihood(x, z) * (float("nan") if self.training else 1.0)

    torch.manual_seed(0)
    model = VAE(Encoder(), Broken(), 2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    train(tmp_path, model, max_steps=5)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_unusable_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="learning_rat\n"):
        TrainingConfig(optimizer={"learning_rat": 1})
    with pytest.raises(ValueError, match="max_steps"):
        TrainingConfig(max_steps=0)
    with pytest.raises(DataError, match="no checkpoint"):
        train(tmp_path, resume=tmp_path / "missing.ckpt")
    with pytest.raises(ValueError, match=r"no metric 'validation/los'; there are .*validation/kl"):
        train(tmp_path, monitor="validation/los")


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


@pytest.mark.parametrize(("name", "value"), [("batch_size", 8), ("accumulate", 2), ("seed", 3)])
def test_other_steps_are_not_gone_on_with(tmp_path: Path, name: str, value: int) -> None:
    _, result = train(tmp_path, max_steps=5)
    old = getattr(TrainingConfig(), name)
    message = f"was trained with training.{name}={old}, the recipe says {value}; resume with"
    with pytest.raises(DataError, match=message):
        train(tmp_path, resume=result.checkpoint, **{name: value})


def test_a_training_that_throws_every_gradient_away_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="100 gradients in a row were thrown away"):
        train(tmp_path, hopeless_norm=1e-9, max_steps=150)


def losses(output: Path, tag: str = "train/loss") -> dict[int, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(output / "logs"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars(tag)}


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
def test_accumulation_resumes_bit_for_bit(tmp_path: Path, steps: int) -> None:
    options = {"batch_size": 8, "accumulate": 3, "ema_decay": 0.9}
    whole, _ = train(tmp_path / "whole", train_loader=Rows(8, 3), **options)
    _, stopped = train(
        tmp_path / "parts", train_loader=Rows(8, 3), callbacks=[stop_after(steps)], **options
    )
    assert stopped.stopped == "interrupted"
    assert stopped.steps < 20
    resumed, result = train(
        tmp_path / "parts", train_loader=Rows(8, 3), resume=stopped.checkpoint, **options
    )
    assert result.steps == 20
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


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
    for content in (b"", b"nothing", result.checkpoint.read_bytes()[:2000]):
        (tmp_path / "broken.ckpt").write_bytes(content)
        with pytest.raises(DataError, match="is no checkpoint that can be read"):
            train(tmp_path, resume=tmp_path / "broken.ckpt")


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


def test_pictures_are_drawn_at_each_validation(tmp_path: Path) -> None:
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = []

    def pictures(model: VAE) -> dict[str, np.ndarray]:
        assert not model.training
        seen.append(model.decoder.body.weight.detach().clone())
        return {"page": np.full((4, 6, 3), 200, np.uint8)}

    model, _ = train(tmp_path, pictures=pictures, ema_decay=0.9)
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    shown = events.Images("page")
    assert [image.step for image in shown] == [5, 10, 15, 20]
    assert (shown[0].height, shown[0].width) == (4, 6)
    assert torch.equal(seen[-1], model.decoder.body.weight)  # the averaged weights
    wanted = {"loss", "reconstruction", "kl", "active_units"}
    assert {f"validation/{name}" for name in wanted} <= set(events.Tags()["scalars"])


def test_progress_in_a_log_file_is_plain_lines(tmp_path: Path, capsys) -> None:
    from vaecore.training import fit

    config = TrainingConfig(max_steps=10, validate_every=5, accelerator="cpu", log_every=1)
    fit(make_model(), Loader(), Loader(2, fixed=True), config, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("  step 5 of 10 · loss ")
    assert " · validation " in lines[0]
    assert lines[1].startswith("  step 10 of 10 · loss ")
    assert "\r" not in "".join(lines)


def test_the_line_shows_a_metric_and_the_time_that_is_left(tmp_path: Path, capsys) -> None:
    from vaecore.training import fit

    limits = {"max_steps": 10**6, "max_minutes": 0.02, "validate_every": 10**6}
    config = TrainingConfig(accelerator="cpu", **limits)
    metrics = {"metrics": lambda model, batch: {"psnr": 24.06}}
    headline = ("validation/psnr", "PSNR {:.1f} dB")
    loaders = Loader(), Loader(2, fixed=True)
    fit(make_model(), *loaders, config, tmp_path, headline=headline, **metrics)
    (line,) = capsys.readouterr().err.splitlines()
    assert " · validation PSNR 24.1 dB · " in line
    assert " to go" not in line  # the minutes are over, whatever the steps say

    progress = Progress(10**6, 2.0)
    assert progress._left(100, 10.0, 0.25) == " · 1:30 to go"
    assert progress._left(10**6 - 100, 10.0, 0.25) == " · 0:10 to go"


def test_another_logger_takes_the_metrics(tmp_path: Path) -> None:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name=None, version="table")
    pictures = {"pictures": lambda model: pytest.fail("only TensorBoard gets pictures")}
    train(tmp_path, logger=logger, max_steps=5, log_every=5, **pictures)
    assert "validation/loss" in (tmp_path / "table/metrics.csv").read_text()
    assert not (tmp_path / "logs").exists()
