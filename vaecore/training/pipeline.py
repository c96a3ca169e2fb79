"""From data to a complete model folder, the same way for music, sentences, faces and digits.

    begin       the model: by chance, from another's weights, or as the task changes it
    fit         the training itself (`vaecore.training.loop`), measured on the validation part
    complete    the prior and the attribute vectors, fitted to the codes of training examples
    write       config.json and the model card, beside the weights

A `TrainingTask` fills in what differs: the data, what is measured, and how codes get their vectors.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaecore.config import ModelConfig
from vaecore.device import NAMES, choose_device
from vaecore.domain import Domain
from vaecore.errors import DataError
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
"""The name under which this software is installed, whatever the domain."""


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes:
        result: What `vaecore.training.fit` returned.
        attributes: Names of the vectors that were made.
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
    """Train a model, and leave a complete model folder.

    The folder is written at every better validation, and completed with prior, attribute vectors
    and model card at the end; an interrupted training leaves the best model so far.

    Args:
        task: Recipe and data.
        output: Model folder; logs and the checkpoint to resume from are kept in it, too.
        start: Begin with the weights of this model (a shipped one's name or a folder) instead of
            random ones; its architecture must be the recipe's.
        resume: Go on from the checkpoint in `output`.
        progress: Show on stderr how far it is.
        callbacks: Further Lightning callbacks.
        logger: Of Lightning; TensorBoard by default.

    Raises:
        UsageError: This machine has no device as the recipe wants it, or another process trains in
            the folder.
        DataError: There is no checkpoint to resume from, or `start` is of another architecture.
    """
    output = Path(output)
    accelerator = task.preset.make_training().accelerator
    if accelerator in NAMES:
        choose_device(accelerator)  # before anything is written
    if not ranks.here().first:
        return _train(task, output, start, resume, progress, callbacks, logger)
    with locked_folder(output):
        return _train(task, output, start, resume, progress, callbacks, logger)


def _train(
    task: TrainingTask,
    output: Path,
    start: str | Path | None,
    resume: bool,
    progress: bool,
    callbacks: Iterable[Callback],
    logger: Logger | None,
) -> Trained:
    """Train, where no other process trains in the same folder; arguments as for `train`."""
    from vaecore.training.loop import fit

    preset, here = task.preset, ranks.here()
    config = preset.make_training()
    if resume and not (output / CHECKPOINT).is_file():
        remedy = "train without resuming"
        raise DataError("there is no checkpoint", path=output / CHECKPOINT, remedy=remedy)
    use_threads(config.threads)  # for what is computed before the first step, too
    status = StatusLine(progress and here.first)
    model = begin(task.domain, preset, start)
    task.begin(model, start, resume)
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
        metrics=metrics(task.measure),
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
    # An interrupted training may not have come to its first validation.
    stopped = result.stopped == "interrupted" and not task.completes_interrupted
    if not result.best or stopped or not here.first:
        return Trained(result)
    return Trained(result, complete(task, output, result, validation.count, status))


@contextmanager
def locked_folder(output: Path) -> Iterator[None]:
    """Hold the folder of a training; DataError if it cannot be made.

    A folder that was made here is taken away again if nothing comes into it.
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
    """Fit prior and attribute vectors of the model in a folder, and write them, and its card.

    Args:
        task: Recipe and data.
        place: The model folder.
        result: What to note down about the training.
        measured: Examples that the best validation was measured on.
        status: Where to show how far it is.

    Returns:
        The names of the vectors.

    Raises:
        DataError: The folder cannot be used, or a prior as the recipe wants it cannot be fitted.
    """
    show = (status or StatusLine(False)).show
    space = task.domain.load(place)
    kept = task.kept()
    if kept is None:
        prior, made = _fitted(task, space, show)
    else:
        prior, made = _of(kept)
    vectors, known, directions = made
    assert space.config is not None  # it was read from a folder
    training = {**space.config.training, **task.facts()}
    if task.preset.prior:
        training["prior"] = dict(task.preset.prior)
    if result is not None:
        training |= {"steps": result.steps, "minutes": round(result.minutes, 1)}
        # What is printed of a validation comes first on the card, too.
        first = task.headline[0] if task.headline else None
        names = sorted(result.best, key=lambda name: name != first)
        best = {name: round(result.best[name], 4) for name in names}
        training["best"] = {"step": result.best_step, **best}
    config = replace(
        space.config,
        attributes={name: known[name] for name in vectors},
        training=training,
        prior_temperature=kept.config.prior_temperature
        if kept is not None and kept.config is not None
        else float(task.preset.prior.get("temperature", 1.0)),
    )
    card = model_card(config, space.model, prior.kind, task.command, measured)
    if directions is None:  # those of an earlier training are not of these codes
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
    """Return what is fitted to the codes of a trained model: its prior and its vectors.

    Args:
        task: Recipe and data.
        space: The model.
        show: Tells how far it is.
    """
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
        _device(task.preset.make_training().accelerator),
    )
    show("  fitting attribute vectors")
    return prior, task.vectors(space)


def _of(kept: LatentSpace[Any]) -> tuple[Prior, Vectors]:
    """Return the prior and the vectors of a model."""
    assert kept.config is not None  # it was read from a folder
    assert kept.prior is not None
    about = dict(kept.config.attributes)
    return kept.prior, Vectors(dict(kept.attributes), about, kept.directions)


def _device(accelerator: str) -> torch.device:
    """Return the device of a recipe's accelerator, on which its prior is fitted, too."""
    return choose_device(accelerator if accelerator in NAMES else "auto")


def begin(domain: Domain, preset: Preset, start: str | Path | None = None) -> VAE:
    """Return the model to train, seeded by the recipe, or with the weights of `start`."""
    torch.manual_seed(preset.make_training().seed)
    model = preset.make_model()
    if start is not None:
        load_weights(model, *domain.weights(domain.folder(start)))
    return model


def describe(task: TrainingTask, model: VAE, name: str, start: str | Path | None) -> ModelConfig:
    """Return the configuration of a model folder: how the model is made and trained.

    Args:
        task: Recipe and data.
        model: The model; it has an `architecture`, a dataclass.
        name: Of the model.
        start: Where the weights come from, if not from chance.
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


def metrics(
    measure: Callable[[VAE, Tensor], Mapping[str, Any]],
) -> Callable[[VAE, Tensor], dict[str, float]]:
    """Return a domain's figures of a model on a batch as plain numbers, for `fit`."""

    def of(model: VAE, x: Tensor) -> dict[str, float]:
        found = measure(model, x)
        return {name: float(value) for name, value in found.items() if name != "examples"}

    return of
