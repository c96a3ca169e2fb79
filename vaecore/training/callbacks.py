"""Callbacks: averaged weights, the best model, and the end of a training.

Of Lightning's own callbacks `Timer` is used. The others do not fit: `WeightAveraging` restores the
last weights before `on_validation_end`, where the best model is kept, and has no ramp;
`ModelCheckpoint` keeps the best model as a pickle, not as a model folder; `EarlyStopping` and the
timer's limit do not agree among ranks, and do not record why a training ended.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Timer
from torch import Tensor

from vaecore.files import replacing
from vaecore.model import VAE
from vaecore.training.module import own
from vaecore.training.ranks import ALONE, Agreement
from vaecore.training.small import ramped_decay

Save = Callable[[VAE, Path], None]

REASONS = ("", "steps", "minutes", "interrupted")
"""Why a training ends after a step; if ranks differ, the last in this list counts."""


class AverageWeights(pl.Callback):
    """An exponential moving average of the weights, which replaces them during validation.

    See Polyak & Juditsky, 1992; the decay rises as in `ramped_decay`.

    Args:
        decay: Largest decay per step, in (0, 1).
    """

    def __init__(self, decay: float) -> None:
        self.decay = ramped_decay(decay)
        self._average: list[Tensor] = []

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        weights = _weights(module)
        source = self._average or weights
        self._average = [
            average.detach().to(weight.device, copy=True)
            for average, weight in zip(source, weights, strict=True)
        ]

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if not own(module).stepped(batch_idx):
            return
        weight = 1 - self.decay(trainer.global_step)
        torch._foreach_lerp_(self._average, _weights(module), weight)

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._swap(module)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._swap(module)

    def _swap(self, module: pl.LightningModule) -> None:
        with torch.no_grad():
            for weight, average in zip(_weights(module), self._average, strict=True):
                kept = weight.clone()
                weight.copy_(average)
                average.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        return {"average": self._average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._average = state["average"]


def _weights(module: pl.LightningModule) -> list[Tensor]:
    """Return the tensors to average: weights, and the statistics of batch norms."""
    state = own(module).model.state_dict(keep_vars=True).values()
    return [value.detach() for value in state if value.dtype.is_floating_point]


class KeepBest(pl.Callback):
    """Keep the model with the best validation, and count validations without improvement.

    Args:
        monitor: Name of the metric; None counts every validation as the best so far.
        mode: Whether the smallest ("min") or the largest ("max") value is best.
        patience: Validations without improvement after which `Limits` ends the training, or None.
        save: Called with the model and `output` at each improvement.
        output: The model folder.
    """

    def __init__(
        self, monitor: str | None, mode: str, patience: int | None, save: Save | None, output: Path
    ) -> None:
        self.monitor, self.patience, self.save, self.output = monitor, patience, save, output
        self.sign = 1.0 if mode == "min" else -1.0
        self.metrics: dict[str, float] = {}
        self.step = 0
        self.weights: dict[str, Tensor] = {}
        self.waited = 0

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        metrics = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("validation/")
        }
        model = own(module).model
        if self._better(metrics):
            self.metrics, self.step, self.waited = metrics, trainer.global_step, 0
            self.weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }
            if self.save is not None and trainer.is_global_zero:
                self.save(model, self.output)
        else:
            self.waited += 1

    def _better(self, metrics: dict[str, float]) -> bool:
        if self.monitor is None:
            return True
        if self.monitor not in metrics:
            known = ", ".join(sorted(metrics))
            raise ValueError(f"training.monitor: no metric {self.monitor!r}; known are {known}")
        best = self.metrics.get(self.monitor, self.sign * float("inf"))
        return self.sign * metrics[self.monitor] < self.sign * best

    def state_dict(self) -> dict[str, Any]:
        names = ("metrics", "step", "weights", "waited")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Limits(pl.Callback):
    """End a training: at its last step, out of time or patience, or on a signal.

    Ctrl-C and SIGTERM save a checkpoint and end after the current step (or validation); a second
    Ctrl-C ends at once. Every validation saves a checkpoint, too. All ranks end after the same
    step, and agree on the share of the time that is over, since the learning rate may depend on it.

    Args:
        max_steps: Number of the last step.
        max_minutes: Wall-clock budget, or None.
        best: Counts validations without improvement.
        checkpoint: The file to write.
        timer: Measures the wall-clock time of the whole training, resumed parts included.
    """

    def __init__(
        self,
        max_steps: int,
        max_minutes: float | None,
        best: KeepBest,
        checkpoint: Path,
        timer: Timer,
    ) -> None:
        self.max_steps, self.max_minutes = max_steps, max_minutes
        self.best, self.checkpoint, self.timer = best, checkpoint, timer
        self.reason = "steps"
        self._agreement = Agreement(ALONE)
        self._signalled = False
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        module = own(module)
        self._agreement = Agreement(module.ranks)
        (module.time_share,) = self._agreement.largest(self._time_share())
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._signalled and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signalled = True

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        module = own(module)
        if not module.stepped(batch_idx):
            return  # a checkpoint here would lose the accumulated gradients
        mine = REASONS.index(self._reason_to_stop(trainer.global_step))
        latest, module.time_share = self._agreement.largest(mine, self._time_share())
        reason = REASONS[int(latest)]
        if reason == "interrupted":
            self._save(trainer)
            trainer.limit_val_batches = 0  # the process may be killed before a validation ends
        if reason:
            self._stop(trainer, reason)

    def _time_share(self) -> float:
        """Return the share of the wall-clock budget that is over; 0 without a budget."""
        if self.max_minutes is None:
            return 0.0
        return float(self.timer.time_elapsed()) / (60 * self.max_minutes)

    def _reason_to_stop(self, steps: int) -> str:
        if self._signalled:
            return "interrupted"
        if self._time_share() >= 1:
            return "minutes"
        return "steps" if steps >= self.max_steps else ""

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        if self.best.patience is not None and self.best.waited >= self.best.patience:
            self._stop(trainer, "patience")
        self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        """Write the checkpoint atomically; every rank must call this, the first one writes."""
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.checkpoint)
            return
        with replacing(self.checkpoint) as temporary:
            trainer.save_checkpoint(temporary)

    def _stop(self, trainer: pl.Trainer, reason: str) -> None:
        if not trainer.should_stop:
            self.reason = reason
        trainer.should_stop = True  # validates once more, unless that is switched off

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._restore_handlers()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
