"""A VAE as Lightning's Trainer sees it: how a batch becomes a loss, and what is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from vaecore.analysis import ACTIVE_VARIANCE
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.objective import LossTerms
from vaecore.training.config import TrainingConfig

MOST_THROWN_AWAY = 100
"""Steps in a row that may come to nothing before a training gives up."""

Metrics = Callable[[VAE, Tensor], dict[str, float]]
"""A domain's own measures of a model on a batch; the validation reports their means."""


class TrainingModule(pl.LightningModule):
    """A VAE with its optimiser.

    The randomness of step k (posterior samples, dropout) depends on the seed, k and the rank
    alone, so that a training resumes exactly.

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
        self._moments: list[Tensor] = []
        self._thrown_away = 0

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what is trained, as an optimiser takes it; a group may set its own values."""
        return [{"params": list(self.model.parameters())}]

    def configure_optimizers(self) -> dict:
        settings = self.config.optimizer
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
        optimizer = kind(
            self.parameter_groups(),
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )

        def factor(step: int) -> float:
            return settings.rate(step, self.config.max_steps) / settings.learning_rate

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        self._seed(self.global_step + 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        terms = self.model.loss(batch, self.global_step)
        self.report(terms)
        return terms.loss

    def report(self, terms: LossTerms) -> None:
        """Log the objective's parts of a training step."""
        self.log("loss", terms.loss.detach(), prog_bar=True, logger=False)
        self.log_dict(
            {
                "train/loss": terms.loss.detach(),
                "train/reconstruction": terms.reconstruction,
                "train/kl": terms.kl,
                "train/beta": terms.beta,
                "train/learning_rate": self.optimizers().param_groups[0]["lr"],
            }
        )

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.log("train/gradient_norm", norm)
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
        self._seed(0)
        self._moments = []

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        terms = self.model.loss(batch)
        report = {"loss": terms.loss, "reconstruction": terms.reconstruction, "kl": terms.kl}
        if self.metrics is not None:
            report |= self.metrics(self.model, batch)
        for name, value in report.items():
            self._report(name, value, len(batch))
        mean = self.model.encode(batch).mean.double()
        self._moments.append(torch.stack([torch.ones_like(mean), mean, mean**2]).sum(dim=1))

    def on_validation_epoch_end(self) -> None:
        count, first, second = sum(self._moments)
        variance = second / count - (first / count) ** 2
        self._report("active_units", float((variance > ACTIVE_VARIANCE).sum()))

    def _report(self, name: str, value: Tensor | float, batch_size: int = 1) -> None:
        self.log(
            f"validation/{name}",
            value,
            batch_size=batch_size,
            on_epoch=True,
            prog_bar=name == "loss",
            sync_dist=True,
        )

    def _seed(self, step: int) -> None:
        entropy = np.random.SeedSequence((self.config.seed, step, self.global_rank))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
