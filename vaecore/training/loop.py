"""`fit`: train a VAE within limits, keep the best model, and be able to go on later."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.training.callbacks import AverageWeights, KeepBest, Limits, Save
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics, TrainingModule

CHECKPOINT = "last.ckpt"
MakeModule = Callable[[VAE, TrainingConfig, Metrics | None], TrainingModule]


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        steps: Optimiser steps taken.
        minutes: Wall-clock time.
        stopped: Why it ended: "steps", "minutes", "patience" or "interrupted".
        best_step: The step of the best validation, whose weights the model has now.
        best: All metrics of that validation; empty if there was none.
        checkpoint: File to resume from.
    """

    steps: int
    minutes: float
    stopped: str
    best_step: int
    best: dict[str, float]
    checkpoint: Path


def fit(
    model: VAE,
    train_loader: Iterable[Tensor],
    validation_loader: Iterable[Tensor],
    config: TrainingConfig,
    output: Path,
    *,
    metrics: Metrics | None = None,
    save: Save | None = None,
    resume: Path | None = None,
    progress: bool = True,
    callbacks: Iterable[Callback] = (),
    make_module: MakeModule = TrainingModule,
) -> FitResult:
    """Train a VAE; afterwards it has the weights of its best validation, and is in eval mode.

    Args:
        model: The VAE, changed in place.
        train_loader: Sized iterable over the batches of an epoch. If it has `state_dict` and
            `load_state_dict`, a training that is resumed sees the same batches.
        validation_loader: Sized iterable over batches.
        config: Optimiser, limits, seed and devices.
        output: Folder for the checkpoint and the TensorBoard logs.
        metrics: A domain's own measures `(model, batch) -> {name: value}`, reported as means over
            the validation set, and good for `config.monitor`, under `validation/name`.
        save: Called with the model and `output` at each better validation.
        resume: A checkpoint that an earlier `fit` left.
        progress: Show a progress bar on stderr.
        callbacks: Further Lightning callbacks.
        make_module: How a batch becomes a step, where that is more than the model's own loss.

    Raises:
        DataError: The checkpoint to resume from cannot be used.
    """
    if resume is not None and not Path(resume).is_file():
        raise DataError("there is no checkpoint", path=resume, remedy="train without resuming")
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    best = KeepBest(config.monitor, config.mode, config.patience, save, output)
    limits = Limits(config.max_steps, config.max_minutes, best, output / CHECKPOINT)
    # The best is chosen while the averaged weights are in place, the checkpoint when they are not.
    average = [AverageWeights(config.ema_decay)] if config.ema_decay is not None else []
    bar = [TQDMProgressBar(refresh_rate=10)] if progress else []
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    module = make_module(model, config, metrics)
    trainer = pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        max_epochs=-1,
        max_steps=config.max_steps,
        val_check_interval=config.validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=config.log_every,
        logger=TensorBoardLogger(output, name=None, version="logs"),
        callbacks=[best, *average, limits, *bar, *callbacks],
        enable_checkpointing=False,
        enable_progress_bar=progress,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        trainer.fit(module, train_loader, validation_loader, ckpt_path=resume, weights_only=True)
    if best.weights:
        model.load_state_dict(best.weights)
    model.eval()
    return FitResult(
        steps=trainer.global_step,
        minutes=limits.seconds / 60,
        stopped=limits.reason,
        best_step=best.step,
        best=best.metrics,
        checkpoint=limits.checkpoint,
    )
