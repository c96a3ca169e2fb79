"""From data to a complete model folder, the same way for music, sentences, faces and digits.

    begin       the model: with random weights, or with those of another model
    fit         the training itself (`vaecore.training.loop`), measured on the validation part
    complete    the prior and the attribute vectors, fitted to the codes of training examples
    write       config.json and the model card, beside the weights

A `TrainingTask` supplies the domain's data, measures and attribute vectors.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaecore.config import ModelConfig
from vaecore.device import NAMES, choose_device
from vaecore.domain import Domain
from vaecore.errors import DataError, UsageError
from vaecore.files import locked
from vaecore.folder import DIRECTIONS, load_weights
from vaecore.model import VAE
from vaecore.presets import CHECKPOINT, Preset
from vaecore.priors import Prior, fit_prior
from vaecore.threads import use_threads
from vaecore.training import ranks
from vaecore.training.card import model_card
from vaecore.training.status import StatusLine
from vaecore.training.task import TrainingTask, Vectors

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers import Logger

    from vaecore.space import LatentSpace
    from vaecore.training.loop import FitResult

DISTRIBUTION = "seqvae"
"""The name of the installed distribution, for all domains."""


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes:
        result: The result of `vaecore.training.fit`.
        attributes: Names of the fitted attribute vectors.
    """

    result: FitResult
    attributes: list[str] = field(default_factory=list)


def train(
    task: TrainingTask,
    output: Path,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    callbacks: Iterable[Callback] = (),
    logger: Logger | None = None,
) -> Trained:
    """Train a model, and write a complete model folder.

    The folder is written at every improvement, and completed with prior, attribute vectors and
    model card at the end; an interrupted training leaves the best model so far.

    Args:
        task: Recipe and data.
        output: Model folder; it also holds logs and the checkpoint to resume from.
        start: Model whose weights to begin with (a shipped one's name or a folder), of the recipe's
            architecture; None for random weights.
        resume: Whether to continue from the checkpoint in `output`.
        progress: Whether to show progress on stderr.
        callbacks: Further Lightning callbacks.
        logger: A Lightning logger; TensorBoard's by default.

    Raises:
        UsageError: This machine lacks the recipe's device, another process trains in the folder, or
            the recipe freezes random weights or both networks.
        DataError: There is no checkpoint to resume from, `start` is of another architecture, or the
            folder cannot be written.
    """
    from vaecore.training.loop import fit

    output, preset, here = Path(output), task.preset, ranks.here()
    config = preset.make_training()
    if config.accelerator in NAMES:
        choose_device(config.accelerator)  # fails before anything is written
    with locked_folder(output) if here.first else nullcontext():
        if resume and not (output / CHECKPOINT).is_file():
            remedy = "train without resuming"
            raise DataError("there is no checkpoint", path=output / CHECKPOINT, remedy=remedy)
        use_threads(config.threads)  # for the work before the first step, too
        status = StatusLine(progress and here.first)
        model = begin(task.domain, preset, start)
        task.begin(model, start, resume)
        if config.frozen is not None:
            if start is None and not resume:
                raise UsageError("training.frozen keeps given weights; name a model with --from")
            if model.frozen not in (None, config.frozen):
                raise UsageError("the recipe freezes both networks; leave out training.frozen")
            model.freeze(config.frozen)
        batches, validation = task.loaders(config)
        about, make_module = describe(task, model, output.name, start), task.make_module()
        if not resume and here.first:
            preset.write(output)
        result = fit(
            model,
            batches,
            validation,
            config,
            output,
            metrics=lambda model, x: _numbers(task.measure(model, x)),
            pictures=task.pictures(),
            save=lambda model, place: task.domain.save(place, model, about),
            resume=output / CHECKPOINT if resume else None,
            progress=progress,
            headline=task.headline,
            callbacks=callbacks,
            logger=logger,
            make_module=make_module,
        )
        task.close()
        stopped = result.stopped == "interrupted" and not task.completes_interrupted
        # Interrupted before its first validation, a training has no model to complete.
        if not result.best or stopped or not here.first:
            return Trained(result)
        return Trained(result, complete(task, output, result, validation.count, status))


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return a domain's figures as metrics, without the number of examples."""
    return {name: float(value) for name, value in figures.items() if name != "examples"}


@contextmanager
def locked_folder(output: Path) -> Iterator[None]:
    """Create and lock the folder of a training; a new folder is removed if it stays empty.

    Raises:
        UsageError: Another process holds the lock.
        DataError: The folder cannot be created, or its name is not UTF-8.
    """
    remedy = "choose another -o/--output"
    try:
        str(output).encode()
    except UnicodeEncodeError as error:
        problem = "the name of a training's folder must be UTF-8, as TensorBoard needs it"
        raise DataError(problem, path=output, remedy=remedy) from error
    new = not output.exists()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot be written ({reason})", path=output, remedy=remedy) from error
    try:
        with locked(output, f"another training is at work in {output}; wait for it, or end it"):
            yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty
                output.rmdir()


def complete(
    task: TrainingTask,
    place: Path,
    result: FitResult | None = None,
    measured: int | None = None,
    status: StatusLine | None = None,
) -> list[str]:
    """Fit prior and attribute vectors of the model in a folder, and write them and its card.

    Args:
        task: Recipe and data.
        place: The model folder.
        result: Facts about the training, for configuration and card.
        measured: Number of examples of the validation, for the card.
        status: Shows progress.

    Returns:
        The names of the vectors.

    Raises:
        DataError: The folder cannot be used, or the recipe's prior cannot be fitted.
    """
    show = (status or StatusLine(False)).show
    space = task.domain.load(place)
    kept = task.kept()
    if kept is None:
        prior, made = _fitted(task, space, show)
        temperature = float(task.preset.prior.get("temperature", 1.0))
    else:
        assert kept.config is not None  # it was read from a folder
        assert kept.prior is not None
        prior, temperature = kept.prior, kept.config.prior_temperature
        made = Vectors(dict(kept.attributes), dict(kept.config.attributes), kept.directions)
    vectors, known, directions = made
    assert space.config is not None  # it was read from a folder
    training = {**space.config.training, **task.facts()}
    if task.preset.prior:
        training["prior"] = dict(task.preset.prior)
    if result is not None:
        training |= {"steps": result.steps, "minutes": round(result.minutes, 1)}
        first = task.headline[0] if task.headline else None  # the card begins with it
        names = sorted(result.best, key=lambda name: name != first)
        best = {name: round(result.best[name], 4) for name in names}
        training["best"] = {"step": result.best_step, **best}
    config = replace(
        space.config,
        attributes={name: known[name] for name in vectors},
        training=training,
        prior_temperature=temperature,
    )
    card = model_card(config, space.model, prior.kind, task.command, measured)
    if directions is None:  # a file of an earlier training would not fit these codes
        (place / DIRECTIONS).unlink(missing_ok=True)
    task.domain.save(
        place, space.model, config, vectors, prior=prior, directions=directions, card=card
    )
    if status is not None:
        status.end()
    return list(vectors)


def _fitted(
    task: TrainingTask, space: LatentSpace[Any], show: Callable[..., None]
) -> tuple[Prior, Vectors]:
    """Return the prior and the attribute vectors of a trained model.

    Args:
        task: Recipe and data.
        space: The model.
        show: Shows progress.
    """
    accelerator = task.preset.make_training().accelerator
    show("  encoding training examples, for prior and attribute vectors")
    posterior = task.encode(space)
    settings = task.prior_settings(space, posterior)
    kind = "flow" if settings else "mixture of Gaussians"
    show(f"  fitting the prior, a {kind}, to {len(posterior):,} codes")
    prior = fit_prior(
        posterior,
        settings,
        task.components,
        lambda step, loss: show(f"  fitting the prior: step {step:,} · loss {loss:.4g}", now=False),
        choose_device(accelerator if accelerator in NAMES else "auto"),
    )
    task.choose(space, prior)
    show("  fitting attribute vectors")
    return prior, task.vectors(space)


def begin(domain: Domain, preset: Preset, start: str | Path | None = None) -> VAE:
    """Return the model to train: random weights by the recipe's seed, or those of `start`."""
    torch.manual_seed(preset.make_training().seed)
    model = preset.make_model()
    if start is not None:
        load_weights(model, *domain.weights(domain.folder(start)), without=model.fitted_last)
    return model


def describe(task: TrainingTask, model: VAE, name: str, start: str | Path | None) -> ModelConfig:
    """Return the configuration of the model folder.

    Args:
        task: Recipe and data.
        model: The model, with its `architecture`, a dataclass.
        name: Name of the model.
        start: The model whose weights it begins with, or None.
    """
    preset = task.preset
    begun = {"start": Path(start).name} if start is not None else {}
    return ModelConfig(
        domain=task.domain.name,
        name=name,
        representation=dict(preset.make_codec().config),
        architecture=asdict(model.architecture),
        objective=model.objective.config,
        description=preset.description,
        training={"preset": preset.name, **begun, "recipe": preset.training, **task.facts()},
        versions={
            "torch": torch.__version__,
            "python": platform.python_version(),
            DISTRIBUTION: version(DISTRIBUTION),
        },
        bits=preset.bits,
        prior_bits=preset.prior_bits,
        refinement=preset.refinement,
    )
