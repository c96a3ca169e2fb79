"""The display of a running training: a line of progress, and pictures of the model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger

from vaecore.model import VAE
from vaecore.training.module import own
from vaecore.training.status import StatusLine

Pictures = Callable[[VAE], Mapping[str, np.ndarray]]
"""Draws a model: pictures `(height, width, 3)` uint8 by name."""


class Progress(pl.Callback):
    """A line on stderr: step, validation, loss, speed and time left.

    Lightning's own progress bars count the batches of an epoch; a training here ends with a step or
    a time, not with an epoch.

    Args:
        max_steps: Number of the last step.
        max_minutes: Wall-clock budget, or None.
        headline: Name of the validation's metric to show, and its format.
    """

    def __init__(
        self,
        max_steps: int,
        max_minutes: float | None = None,
        headline: tuple[str, str] | None = None,
    ) -> None:
        self.max_steps, self.max_minutes = max_steps, max_minutes
        self.headline = headline or ("validation/loss", "{:.4g}")
        self.line = StatusLine()
        self._began, self._first = 0.0, 0
        self._validation = ""

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._began, self._first = time.monotonic(), trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        if self.line.due:
            self._show(trainer, module)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        name, shape = self.headline
        value = trainer.callback_metrics.get(name)
        if value is not None:
            self._validation = f" · validation {shape.format(float(value))}"
            self._show(trainer, module)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.line.end()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, _: BaseException
    ) -> None:
        self.line.end()

    def _show(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        module, step = own(module), trainer.global_step
        rate = (step - self._first) / max(time.monotonic() - self._began, 1e-9)
        loss = "" if math.isnan(module.last_loss) else f" · loss {module.last_loss:.4g}"
        last, left = self._end(step, rate, module.time_share)
        # The metric comes before the loss, which may be a negative log density and hard to read.
        text = f"  step {step:,}{last}{self._validation}{loss} · {rate:.3g} steps/s{left}"
        self.line.show(text)

    def _end(self, step: int, rate: float, time_share: float) -> tuple[str, str]:
        """Return the last step, if time does not end the training before it; and the time left.

        Args:
            step: Steps so far.
            rate: Steps per second.
            time_share: Share of `max_minutes` that is over, from 0 to 1.
        """
        seconds = (self.max_steps - step) / rate if rate else math.inf
        timed = math.inf
        if self.max_minutes is not None:
            timed = 60 * self.max_minutes * (1 - time_share)
        last = f" of {self.max_steps:,}" if seconds <= timed else ""
        seconds = min(seconds, timed)
        if not 0 < seconds < math.inf:
            return last, ""
        minutes, rest = divmod(round(seconds), 60)
        return last, f" · {minutes}:{rest:02} to go"


class ShowPictures(pl.Callback):
    """Add a domain's pictures of the model to the TensorBoard log at each validation.

    Args:
        pictures: Draws them, while the model is in evaluation mode.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        logger = trainer.logger
        if not isinstance(logger, TensorBoardLogger):
            return
        if trainer.is_global_zero and not trainer.sanity_checking:
            for name, picture in self.pictures(own(module).model).items():
                board = logger.experiment
                board.add_image(name, picture, trainer.global_step, dataformats="HWC")
