"""What a training shows while it runs: a line about its progress, and pictures of the model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as pl
import numpy as np

from vaecore.model import VAE
from vaecore.training.module import TrainingModule

Pictures = Callable[[VAE], Mapping[str, np.ndarray]]
"""A domain's view of a model: pictures `(height, width, 3)` uint8 by name."""

LIVE_SECONDS, PLAIN_SECONDS = 0.5, 30.0
"""Time between two lines: on a terminal, where one replaces the other, and elsewhere."""


class Progress(pl.Callback):
    """A line on stderr: how far, how good, how fast.

    On a terminal it renews itself; elsewhere, as in a log file, a line now and then is printed,
    and one for each validation.

    Args:
        max_steps: The last step.
    """

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps
        self.live = sys.stderr.isatty()
        self._wide = 0
        self._shown = 0.0
        self._began, self._first = 0.0, 0
        self._validation = ""

    def on_train_start(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        self._began, self._first = time.monotonic(), trainer.global_step
        self._shown = self._began

    def on_train_batch_end(self, trainer: pl.Trainer, module: TrainingModule, *_: Any) -> None:
        wait = LIVE_SECONDS if self.live else PLAIN_SECONDS
        if time.monotonic() - self._shown >= wait:
            self._show(trainer, module)

    def on_validation_end(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        loss = trainer.callback_metrics.get("validation/loss")
        if loss is not None:
            self._validation = f" · validation {float(loss):.4g}"
            self._show(trainer, module)

    def on_train_end(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        if self.live:
            print(file=sys.stderr)

    def on_exception(self, trainer: pl.Trainer, module: TrainingModule, _: BaseException) -> None:
        self.on_train_end(trainer, module)

    def _show(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        self._shown = time.monotonic()
        step = trainer.global_step
        rate = (step - self._first) / max(self._shown - self._began, 1e-9)
        loss = "" if np.isnan(module.last_loss) else f" · loss {module.last_loss:.4g}"
        left = ""
        if rate and step < self.max_steps:
            minutes, seconds = divmod(round((self.max_steps - step) / rate), 60)
            left = f" · {minutes}:{seconds:02} to go"
        text = f"  step {step:,} of {self.max_steps:,}{loss}{self._validation}"
        text += f" · {rate:.3g} steps/s{left}"
        if self.live:
            print(f"\r{text:<{self._wide}}", end="", file=sys.stderr, flush=True)
            self._wide = len(text)
        else:
            print(text, file=sys.stderr, flush=True)


class ShowPictures(pl.Callback):
    """Add a domain's pictures of the model to the TensorBoard log at each validation.

    Args:
        pictures: Draws them, while the model is in evaluation mode.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures

    def on_validation_end(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking:
            for name, picture in self.pictures(module.model).items():
                board = trainer.logger.experiment
                board.add_image(name, picture, trainer.global_step, dataformats="HWC")
