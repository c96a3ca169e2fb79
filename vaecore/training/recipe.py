"""Around `fit`: from a recipe to a model, and from its best weights to a complete folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaecore.config import ModelConfig
from vaecore.domain import Domain
from vaecore.folder import WEIGHTS, load_weights
from vaecore.model import VAE
from vaecore.presets import Preset
from vaecore.priors import Prior
from vaecore.space import LatentSpace
from vaecore.training.loop import FitResult
from vaecore.training.module import Metrics

DISTRIBUTION = "seqvae"
"""The name under which this software is installed, whatever the domain."""


def begin(domain: Domain, preset: Preset, start: str | Path | None = None) -> VAE:
    """Return the model to train, seeded by the recipe.

    Args:
        domain: Where the name of a shipped model is looked up.
        preset: The recipe.
        start: Begin with the weights of this model (a shipped one's name or a folder) instead of
            random ones.

    Raises:
        DataError: The architecture of `start` is another than the preset's.
    """
    torch.manual_seed(preset.make_training().seed)
    model = preset.make_model()
    if start is not None:
        load_weights(model, domain.folder(start) / WEIGHTS)
    return model


def describe(
    domain: Domain,
    preset: Preset,
    model: VAE,
    name: str,
    start: str | Path | None,
    facts: Mapping[str, Any],
) -> ModelConfig:
    """Return the configuration of a model folder: how the model is made and trained.

    Args:
        domain: The model's domain.
        preset: The recipe.
        model: The model; it has an `architecture`, a dataclass.
        name: Of the model.
        start: Where the weights come from, if not from chance.
        facts: What to note down about the data.
    """
    return ModelConfig(
        domain=domain.name,
        name=name,
        representation=preset.make_codec().config,
        architecture=asdict(model.architecture),
        objective=model.objective.config,
        description=preset.description,
        training={
            "preset": preset.name,
            **({"start": Path(start).name} if start is not None else {}),
            "recipe": preset.training,
            **facts,
        },
        versions={
            "torch": torch.__version__,
            "python": platform.python_version(),
            DISTRIBUTION: version(DISTRIBUTION),
        },
    )


def saver(domain: Domain, about: ModelConfig) -> Callable[[VAE, Path], None]:
    """Return what writes a model folder at each better validation, for `fit`."""
    return lambda model, place: domain.save(place, model, about)


def metrics(measure: Callable[[VAE, Tensor], Mapping[str, Any]]) -> Metrics:
    """Return a domain's figures of a model on a batch as plain numbers, for `fit`."""
    return lambda model, x: {name: float(value) for name, value in measure(model, x).items()}


def complete(
    domain: Domain,
    place: Path,
    space: LatentSpace,
    prior: Prior,
    attributes: Mapping[str, Tensor],
    about: Mapping[str, Any],
    result: FitResult | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add attribute vectors and a fitted prior to a model folder.

    Args:
        domain: The model's domain.
        place: The model folder.
        space: The model in it.
        prior: Fitted to the codes of training examples.
        attributes: Vectors `(latent_dim,)` by name.
        about: What each of them changes, by name.
        result: What to note down about the training.
        facts: What else to note down about the training.
    """
    config = replace(
        space.config,
        attributes={name: about[name] for name in attributes},
        training={**space.config.training, **(facts or {})},
    )
    if result is not None:
        reached = {"steps": result.steps, "minutes": round(result.minutes, 1)}
        best = {name: round(value, 4) for name, value in result.best.items()}
        config = replace(
            config,
            training={**config.training, **reached, "best": {"step": result.best_step, **best}},
        )
    domain.save(place, space.model, config, attributes=attributes, prior=prior)
