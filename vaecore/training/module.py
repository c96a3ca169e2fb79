"""The LightningModule of a VAE: optimiser, training step and validation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor

from vaecore.analysis import ACTIVE_VARIANCE
from vaecore.device import as_double
from vaecore.errors import DataError
from vaecore.folder import write_exactly
from vaecore.model import VAE
from vaecore.objective import LossTerms
from vaecore.training import ranks
from vaecore.training.config import TrainingConfig
from vaecore.training.shared import StepNoise, share_batch_norms

BAD_BATCH = "bad_batch.safetensors"
"""File in the training's folder for a batch whose loss is not finite."""
MOST_THROWN_AWAY = 100
"""Largest number of steps in a row without a usable gradient."""

Metrics = Callable[[VAE, Tensor], dict[str, float]]
"""A domain's own measures of a model on a batch; the validation reports their means."""


class NotFinite(Exception):
    """The loss is not finite; the training ends.

    Args:
        batch: The batch with this loss.
    """

    def __init__(self, batch: Tensor) -> None:
        super().__init__("the loss is not finite")
        self.batch = batch

    def kept(self, output: Path, step: int) -> DataError:
        """Write the batch into the training's folder, and return the error to raise."""
        path = output / BAD_BATCH
        write_exactly(path, {"batch": self.batch})
        return DataError(
            f"the loss of step {step + 1:,} is not finite; the batch is kept in {path}",
            remedy="look at the data, or lower training.optimizer.learning_rate and train anew",
        )


class TrainingModule(pl.LightningModule):
    """A VAE with its optimiser.

    The randomness of step k depends on the seed and k alone, so that a training resumes exactly.
    The noise of the posterior is also independent of how the step is divided among ranks and
    batches. Dropout is not: its units are drawn from the seed, the step, the rank and the index of
    the batch in its step, so that only a training with the same number of ranks repeats exactly.

    Models whose parts have an attribute `mixed_precision` choose themselves which layers compute in
    bfloat16; others compute their loss under autocast.

    Args:
        model: The VAE; its objective is the loss.
        config: Optimiser, clipping and seed.
        metrics: A domain's own measures, for the validation.
    """

    def __init__(self, model: VAE, config: TrainingConfig, metrics: Metrics | None = None) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.metrics = metrics
        self.ranks = ranks.here()
        self.noise = StepNoise(self.ranks, config.accumulate)
        self.time_share = 0.0
        """Share of the wall-clock budget that is over, equal on all ranks; set by `Limits`."""
        self.last_loss = float("nan")
        self._terms: list[dict[str, Tensor | float]] = []
        self._norm = torch.tensor(0.0)
        self._validated: dict[int, tuple[int, dict[str, float], Tensor]] = {}
        self._thrown_away = 0
        self._batch = torch.zeros(0)
        self._cast = config.mixed_precision and model.mixed_precision is None
        model.mixed_precision = config.mixed_precision
        share_batch_norms(model, self.ranks)

    @property
    def unused_parameters(self) -> bool:
        """Whether a step may leave parameters without a gradient."""
        return self.model.objective.mode != "vae"

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters to train, as groups for the optimiser."""
        return [{"params": list(self.model.parameters())}]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        settings = self.config.optimizer
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
        optimizer = kind(
            self.parameter_groups(),
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )

        def factor(step: int) -> float:
            rate = settings.rate(step, self.config.max_steps, self.time_share)
            return rate / settings.learning_rate

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": LRSchedulerConfigType(scheduler=schedule, interval="step"),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["division"] = self.config.division

    def stepped(self, batch_idx: int) -> bool:
        """Return whether the optimiser takes its step after this batch of the epoch."""
        return (batch_idx + 1) % self.config.accumulate == 0

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        self._batch = batch
        step, index = self.global_step + 1, batch_idx % self.config.accumulate
        if index == 0:
            self._terms = []
        torch.manual_seed(self._seed(step, self.ranks.rank, index))  # of dropout
        self.noise.begin(self._seed(step), index, self.device)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._cast):
            terms = self.model.loss(batch, self.global_step, self.noise)
        self.report(terms)
        return terms.loss

    def report(self, terms: LossTerms, **more: Tensor) -> None:
        """Record the terms of a batch's loss, and further numbers, for the log.

        Raises:
            NotFinite: The loss is infinite or NaN.
        """
        if not torch.isfinite(terms.loss):
            raise NotFinite(self._batch)
        parts = {"loss": terms.loss.detach(), "reconstruction": terms.reconstruction}
        self._terms.append({**parts, "kl": terms.kl, "beta": terms.beta, **more})

    def on_train_batch_end(self, outputs: Any, batch: Tensor, batch_idx: int) -> None:
        if self.stepped(batch_idx) and self.global_step % self.config.log_every == 0:
            self._log_step()

    def _log_step(self) -> None:
        names = list(self._terms[0])
        found = [[float(terms[name]) for name in names] for terms in self._terms]
        means = ranks.mean(torch.tensor(found).mean(0).to(self.device), self.ranks).tolist()
        report = {f"train/{name}": value for name, value in zip(names, means, strict=True)}
        self.last_loss = report["train/loss"]
        report["train/learning_rate"] = self.trainer.optimizers[0].param_groups[0]["lr"]
        report["train/gradient_norm"] = float(self._norm)
        if self.logger is not None:
            self.logger.log_metrics(report, self.global_step)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self._norm = norm
        hopeless = not norm < self.config.hopeless_norm
        self._thrown_away = self._thrown_away + 1 if hopeless else 0
        if self._thrown_away >= MOST_THROWN_AWAY:
            raise DataError(
                f"{MOST_THROWN_AWAY} gradients in a row were thrown away, the last of norm "
                f"{float(norm):.3g}: nothing is learned",
                remedy="raise training.hopeless_norm, or lower the learning rate",
            )
        if hopeless:
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad.zero_()

    def on_validation_epoch_start(self) -> None:
        self._validated = {}

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        number = batch_idx * self.ranks.world + self.ranks.rank  # as `Batches` divides them
        number %= getattr(self.trainer.val_dataloaders, "every", number + 1)
        noise = torch.Generator().manual_seed(self._seed(0, number))
        terms = self.model.loss(batch, None, noise)
        report: dict[str, Tensor | float] = {
            "loss": terms.loss,
            "reconstruction": terms.reconstruction,
            "kl": terms.kl,
        }
        if self.metrics is not None:
            report |= self.metrics(self.model, batch)
        sums = {name: float(value) * len(batch) for name, value in report.items()}
        mean = as_double(self.model.encode(batch).mean)
        moments = torch.stack([torch.ones_like(mean), mean, mean**2]).sum(dim=1)
        self._validated[number] = (len(batch), sums, moments.cpu())

    def on_validation_epoch_end(self) -> None:
        batches: dict[int, Any] = {}
        for part in ranks.gather(self._validated, self.ranks):
            batches |= part
        sizes, sums, moments = zip(*(batches[k] for k in sorted(batches)), strict=True)
        for name in sums[0]:
            self.log(f"validation/{name}", sum(each[name] for each in sums) / sum(sizes))
        count, first, second = sum(moments)
        variance = second / count - (first / count) ** 2
        self.log("validation/active_units", float((variance > ACTIVE_VARIANCE).sum()))

    def _seed(self, *numbers: int) -> int:
        entropy = np.random.SeedSequence((self.config.seed, *numbers))
        return int(entropy.generate_state(1, np.uint64)[0]) >> 1


def own(module: pl.LightningModule) -> TrainingModule:
    """Return the module that Lightning passes to callbacks, typed.

    Raises:
        TypeError: It is not a TrainingModule.
    """
    if not isinstance(module, TrainingModule):
        raise TypeError(f"expected a TrainingModule, got {type(module).__name__}")
    return module
