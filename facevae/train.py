"""From a folder of images to a model folder: faces' part of `vaecore.training.pipeline`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from facevae import fitting
from facevae.adversary import AdversarialModule
from facevae.data.folder import SPLITS
from facevae.data.loader import FaceLoader, report_broken
from facevae.data.parts import Data, evenly, read_once
from facevae.domain import DOMAIN
from facevae.evaluate import measure
from facevae.networks.model import FaceVAE
from facevae.perception import PerceptualModule
from facevae.pictures import pictures
from facevae.realism import fit_realism
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import DataError, UsageError
from vaecore.folder import PRIOR
from vaecore.objective import ImpliedNoise, implied_noise
from vaecore.training import pipeline, ranks
from vaecore.training.module import TrainingModule
from vaecore.training.status import StatusLine
from vaecore.training.task import TrainingTask

if TYPE_CHECKING:
    from facevae.classifier import FaceClassifier
    from facevae.networks.trunk import Trunk
    from facevae.presets import Preset
    from vaecore.model import VAE
    from vaecore.priors import Prior
    from vaecore.space import LatentSpace
    from vaecore.training import TrainingConfig
    from vaecore.training.loop import MakeModule
    from vaecore.training.task import Vectors
    from vaecore.training.watching import Pictures

STARTED_ON = 8192
"""At most so many images give the principal components that initialise a model."""
PERCEPTUAL_CLASSIFIER = "perceptual.safetensors"
"""File, in the folder of a training, of the classifier that its perceptual loss compares with."""
COMPONENTS = 4
"""Of the mixture. Few, as each has a full covariance matrix, which takes many codes to fit."""


@dataclass(frozen=True)
class Trained(pipeline.Trained):
    """How a training ended.

    Attributes:
        broken: The problem of each file that could not be used, by name.
        images: How many images there were.
    """

    broken: dict[str, str] = field(default_factory=dict)
    images: int = 0

    @property
    def report(self) -> str:
        """A line about broken files; empty if there are none."""
        return report_broken(self.broken, self.images)


def noise(model: VAE) -> tuple[float, ImpliedNoise] | None:
    """Return the reconstruction factor that a model is trained with, and the noise it implies.

    The noise of the architecture, the factor and the final beta of the objective all weigh
    reconstruction against KL. None where one of the two terms is not in the objective.
    """
    architecture, objective = model.architecture, model.objective
    terms = (objective.reconstruction_factor, objective.beta.final)
    if objective.mode != "vae" or not all(terms):
        return None
    weight = objective.reconstruction_factor / objective.beta.final
    factor = weight * architecture.dimensions / (2 * architecture.noise**2)
    return factor, implied_noise(factor, architecture.dimensions)


class FaceTask(TrainingTask):
    """A recipe on a folder of images.

    Args:
        preset: Picture size, architecture, objective and recipe.
        data: The images.
        workers: Processes that read images; see `FaceLoader`.
        fitter: A classifier by which the lengths of attribute vectors are chosen. Without it one is
            trained; where there are too few labelled images, the lengths follow from the codes.
        output: The model folder, which keeps the classifier of a perceptual loss.
        progress: Say on stderr when that classifier is trained.
    """

    preset: Preset
    components = COMPONENTS
    completes_interrupted = False  # it would read thousands of images first
    headline = ("validation/psnr", "PSNR {:.1f} dB")

    def __init__(
        self,
        preset: Preset,
        data: Data,
        workers: int | None = None,
        fitter: FaceClassifier | None = None,
        output: Path = Path(),
        progress: bool = True,
    ) -> None:
        super().__init__(DOMAIN, preset)
        self.data, self.workers, self.fitter = data, workers, fitter
        self.output, self.progress = output, progress
        self.used: list[FaceLoader] = []

    @property
    def command(self) -> str:
        labels = self.data.labels
        named = f" --labels {labels.path.name}" if labels is not None else ""
        return f"facevae train {self.data.whole.root.name}{named}"

    @property
    def broken(self) -> dict[str, str]:
        """The problem of each file that could not be used, by name."""
        return {name: why for loader in self.used for name, why in loader.broken.items()}

    def begin(self, model: VAE, start: str | Path | None, resume: bool) -> None:
        self.check_frozen()
        if self.preset.enlarges:
            self.freeze_smaller(model)
            return
        if start is not None or resume or not isinstance(model, FaceVAE):
            return
        if model.perceptual is not None:
            self.give_trunk(model.perceptual)
        if ranks.here().first:  # the other ranks get its weights
            images = read_once(evenly(self.data.train, STARTED_ON), self.workers)
            model.start(images)
            images.close()

    def check_frozen(self) -> None:
        """Refuse a frozen decoder where the critic would train it, and the encoder rests.

        Raises:
            UsageError: The recipe freezes both networks.
        """
        training, adversary = self.preset.make_training(), self.preset.make_adversary()
        if training.frozen != "decoder" or adversary is None:
            return
        if adversary.begin_step < training.max_steps:
            raise UsageError(
                "training.frozen=decoder and a critic, which freezes the encoder, train "
                "nothing; set adversary.begin_step to training.max_steps or more"
            )

    def freeze_smaller(self, model: VAE) -> None:
        """Give an enlarged model the networks of the smaller one, and train the last stage alone.

        Raises:
            DataError: The smaller model is of another shape.
        """
        smaller = self.domain.load(self.preset.enlarges)
        given = smaller.model.state_dict()
        expected = model.state_dict()
        wrong = [
            name
            for name, value in given.items()
            if name not in expected or expected[name].shape != value.shape
        ]
        last = expected.keys() - given.keys()
        if wrong or not last:
            where = f" ({wrong[0]} differs)" if wrong else ""
            problem = f"is not the smaller model of this recipe{where}"
            remedy = "give architecture what that model has, but twice its size and enlarged=2"
            raise DataError(problem, path=self.preset.enlarges, remedy=remedy)
        model.load_state_dict(given, strict=False)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in last)

    def give_trunk(self, trunk: Trunk) -> None:
        """Give the network whose features are compared the weights of the classifier.

        Raises:
            DataError: The classifier is of another shape.
        """
        from facevae.classifier import load_classifier

        path = self.perceptual_classifier()
        classifier = load_classifier(path)
        try:
            trunk.load_state_dict(classifier.trunk.state_dict())
        except RuntimeError as error:
            raise DataError(
                f"is a classifier of width {classifier.width} with {classifier.blocks} blocks in "
                "a stage, the recipe compares features of another",
                path=path,
                remedy=f"set architecture.perceptual={classifier.width}; blocks must be 1",
            ) from error

    def kept(self) -> LatentSpace[Any] | None:
        return self.domain.load(self.preset.enlarges) if self.preset.enlarges else None

    def facts(self) -> dict[str, Any]:
        whole = self.data.whole
        counts = {part: len(whole.split(part)) for part in SPLITS}
        return {
            "adversary": self.preset.adversary,
            "directions": self.preset.directions,
            "images": counts,
            "sources": [whole.root.resolve().name],
            "broken": len(self.broken),
        }

    def loaders(self, config: TrainingConfig) -> tuple[FaceLoader, FaceLoader]:
        here, size, workers = ranks.here(), config.batch_size, self.workers
        batches = FaceLoader(
            self.data.train,
            size,
            seed=config.seed,
            workers=workers,
            accumulate=config.accumulate,
            ranks=here,
        )
        validation = FaceLoader(
            self.data.validation, size, training=False, workers=workers, ranks=here
        )
        self.used = [batches, validation]
        return batches, validation

    def measure(self, model: VAE, x: Tensor) -> dict[str, Any]:
        return measure(model, x)

    def pictures(self) -> Pictures | None:
        return pictures(self.data.validation) if ranks.here().first else None

    def make_module(self) -> MakeModule:
        adversary = self.preset.make_adversary()
        if adversary is None:
            return TrainingModule
        if self.preset.enlarges and adversary.interpolations and not adversary.drawn_from:
            drawn_from = self.domain.folder(self.preset.enlarges) / PRIOR
            adversary = replace(adversary, drawn_from=str(drawn_from))
        if not adversary.compares and not adversary.interpolations:
            return partial(AdversarialModule, adversary=adversary)
        if adversary.compares:
            adversary = replace(adversary, classifier=str(self.perceptual_classifier()))
        return partial(PerceptualModule, adversary=adversary)

    def perceptual_classifier(self) -> Path:
        """Return the file of the classifier for a perceptual loss; without one it is trained.

        Raises:
            UsageError: There are no labels to train it on, or several processes would train it.
        """
        adversary = self.preset.make_adversary()
        if adversary is not None and adversary.classifier:
            return Path(adversary.classifier)
        path = self.output / PERCEPTUAL_CLASSIFIER
        if path.exists():
            return path
        remedy = "or name a classifier's file with --set adversary.classifier=FILE"
        if self.data.labels is None:
            raise UsageError(
                "this recipe's perceptual loss needs a classifier, which is trained from labels; "
                f"give them with --labels, {remedy}"
            )
        if ranks.here().world > 1:
            raise UsageError(
                "this recipe trains a classifier first, which one process has to do; "
                f"begin with one process and go on with --resume in several, {remedy}"
            )
        from facevae.classifier import PERCEPTUAL, save_classifier

        status = StatusLine(self.progress)
        status.show("  training a classifier from the labels, for the perceptual loss (minutes)")
        data = self.data
        assert data.labels is not None
        save_classifier(fitting.classifier(data.whole, data.labels, PERCEPTUAL, self.workers), path)
        return path

    def close(self) -> None:
        for loader in self.used:
            loader.close()

    def encode(self, space: LatentSpace[Any]) -> DiagonalGaussian:
        images = evenly(self.data.train, fitting.FITTED_ON)
        return fitting.encode(space, images, self.workers, mirrored=True)[0]

    def choose(self, space: LatentSpace[Any], prior: Prior) -> None:
        if space.model.architecture.realism:
            about = "training what chooses among draws of the prior"
            StatusLine(self.progress).show(f"  {about} (minutes)")
            photographs, means = fitting.pictures(space, self.data.train, self.workers)
            fit_realism(space, prior, means, photographs)

    def vectors(self, space: LatentSpace[Any]) -> Vectors:
        if self.fitter is None and fitting.classifiable(self.data):
            about = "training a classifier of the labels, which finds the lengths of the vectors"
            StatusLine(self.progress).show(f"  {about} (minutes)")
        settings = self.preset.make_directions()
        if settings is None:
            return fitting.vectors(space, self.data, self.fitter, self.workers)
        about = f"training directions of attributes, {settings.steps:,} steps"
        show = StatusLine(self.progress).show

        def report(step: int, loss: float) -> None:
            show(f"  {about}: step {step:,} · loss {loss:.3f}", now=False)

        given = (self.fitter, self.workers, settings, self._perceptual(), report)
        return fitting.vectors(space, self.data, *given)

    def _perceptual(self) -> FaceClassifier | None:
        """Return the classifier of the perceptual loss; None in a training without one."""
        from facevae.classifier import load_classifier

        adversary = self.preset.make_adversary()
        if adversary is None or not adversary.compares:
            return None
        return load_classifier(self.perceptual_classifier())


def train(
    preset: Preset,
    data: Data,
    output: Path,
    *,
    workers: int | None = None,
    fitter: FaceClassifier | None = None,
    **options: Any,
) -> Trained:
    """Train a model on a folder of images, and leave a complete model folder.

    It gets attribute vectors if there are labels. An interrupted training leaves the best model so
    far without vectors and prior.

    Args:
        preset: Picture size, architecture, objective and recipe.
        data: The images.
        output: Model folder.
        workers: Processes that read images; see `FaceLoader`.
        fitter: A classifier by which the lengths of attribute vectors are chosen; see `FaceTask`.
        options: start, resume, progress, callbacks, logger; see `vaecore.training.pipeline.train`.

    Raises:
        DataError: Not one image can be used, or there is no checkpoint to resume from.
    """
    task = FaceTask(preset, data, workers, fitter, output, options.get("progress", True))
    done = pipeline.train(task, output, **options)
    return Trained(done.result, done.attributes, task.broken, len(data.whole))
