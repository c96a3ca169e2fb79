"""`fit`: train a VAE within limits, keep the best model, and leave a checkpoint to resume from."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Timer
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor

from vaecore.device import keep_freed_memory
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.presets import CHECKPOINT
from vaecore.threads import use_threads
from vaecore.training import ranks
from vaecore.training.callbacks import AverageWeights, KeepBest, Limits, Save
from vaecore.training.checkpoint import check
from vaecore.training.config import TrainingConfig
from vaecore.training.module import Metrics, NotFinite, TrainingModule
from vaecore.training.watching import Pictures, Progress, ShowPictures

MakeModule = Callable[[VAE, TrainingConfig, Metrics | None], TrainingModule]


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        steps: Optimiser steps taken.
        minutes: Wall-clock time, resumed parts included.
        stopped: Why it ended: "steps", "minutes", "patience" or "interrupted".
        best_step: The step of the best validation, whose weights the model has now.
        best: All metrics of that validation; empty if there was none.
        checkpoint: The file to resume from.
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
    pictures: Pictures | None = None,
    save: Save | None = None,
    resume: Path | None = None,
    progress: bool = True,
    headline: tuple[str, str] | None = None,
    callbacks: Iterable[Callback] = (),
    logger: Logger | None = None,
    make_module: MakeModule = TrainingModule,
) -> FitResult:
    """Train a VAE; afterwards it has the weights of its best validation, and is in eval mode.

    Under torchrun, the processes train together, in the same steps as one process; the loaders must
    give each rank its own part, as `Batches` does. The first process writes all files, and the
    training starts from its weights.

    Args:
        model: The VAE, changed in place.
        train_loader: Sized iterable over the batches of an epoch. If it has `state_dict` and
            `load_state_dict`, a resumed training sees the same batches.
        validation_loader: Sized iterable over batches.
        config: Optimiser, limits, seed and devices.
        output: Folder for the checkpoint and the TensorBoard logs.
        metrics: A domain's own measures `(model, batch) -> {name: value}`; their means over the
            validation set are reported as `validation/name`, also for `config.monitor`.
        pictures: Draws the model at each validation, for TensorBoard.
        save: Called with the model and `output` at each improvement.
        resume: A checkpoint of an earlier `fit`.
        progress: Whether to show a line of progress on stderr.
        headline: Name of the metric that the line shows of each validation, and its format
            ("validation/psnr", "PSNR {:.1f} dB"); the loss by default.
        callbacks: Further Lightning callbacks.
        logger: A Lightning logger; by default TensorBoard's, in `output`, the only one that gets
            pictures.
        make_module: Makes the LightningModule, for steps other than the model's own loss.

    Raises:
        DataError: The checkpoint cannot be used or is of another architecture, or the loss or the
            gradients are not finite.
    """
    here = ranks.here()
    if resume is not None and not Path(resume).is_file():
        raise DataError("there is no checkpoint", path=resume, remedy="train without resuming")
    keep_freed_memory()
    use_threads(config.threads)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    best = KeepBest(config.monitor, config.mode, config.patience, save, output)
    timer = Timer()
    limits = Limits(config.max_steps, config.max_minutes, best, output / CHECKPOINT, timer)
    # Order matters: `best` needs the averaged weights in place, the checkpoint needs them swapped.
    average = [AverageWeights(config.ema_decay)] if config.ema_decay is not None else []
    module = make_module(model, config, metrics)
    if resume is not None:
        check(Path(resume), module)
    shown: list[Callback] = [ShowPictures(pictures)] if pictures is not None else []
    line = Progress(config.max_steps, config.max_minutes, headline)
    begun = _Begun()
    watched = [line] if progress and here.first else []
    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
    trainer = pl.Trainer(
        accelerator=config.accelerator,
        devices=here.local,
        num_nodes=here.world // here.local,
        strategy=_strategy(module),
        accumulate_grad_batches=config.accumulate,
        max_epochs=-1,
        max_steps=config.max_steps,
        val_check_interval=config.validate_every * config.accumulate,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=logger or TensorBoardLogger(output, name=None, version="logs"),
        callbacks=[begun, timer, best, *shown, *average, limits, *watched, *callbacks],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        try:
            trainer.fit(
                module, train_loader, validation_loader, ckpt_path=resume, weights_only=True
            )
        except NotFinite as error:
            raise error.kept(output, trainer.global_step) from error
        except (DataError, OSError, KeyboardInterrupt):
            raise
        except Exception as error:
            if resume is None or begun.yes:
                raise
            text = f"does not restore this training ({type(error).__name__})"
            remedy = "train without resuming, in another folder"
            raise DataError(text, path=resume, remedy=remedy) from error
    if here.many:  # no process may leave while another still sends
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    if best.weights:
        model.load_state_dict(best.weights)
    model.eval()
    return FitResult(
        steps=trainer.global_step,
        minutes=timer.time_elapsed() / 60,
        stopped=limits.reason,
        best_step=best.step,
        best=best.metrics,
        checkpoint=limits.checkpoint,
    )


def _strategy(module: TrainingModule) -> Strategy | str:
    """Return Lightning's strategy: DDP averages gradients; `TrainingModule` does the rest."""
    if not module.ranks.many:
        return "auto"
    return DDPStrategy(find_unused_parameters=module.unused_parameters, broadcast_buffers=False)


class _Begun(Callback):
    """Records whether the training has begun, after which the checkpoint is fully restored."""

    def __init__(self) -> None:
        self.yes = False

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.yes = True
