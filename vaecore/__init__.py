"""The shared core of seqvae and facevae: tensors and latents, no MIDI and no pixels.

    distributions   the posterior, reparameterisation, the KL divergence
    objective       the loss: reconstruction factor, beta (schedules), free bits, importance weights
    paths           lerp, slerp, paths through several points, grids, variations
    perception      how examples of symbols are compared
    calibrated      moves that are measured on what is decoded
    attributes      attribute vectors, by means and by regression
    priors          N(0, I), and mixtures and flows fitted to codes
    analysis        how an aggregate posterior compares with the prior
    model           the VAE over a domain's encoder and decoder
    codec, domain   what a domain brings
    space           LatentSpace, the one object users hold
    folder          models on disk
    training        one thin module over Lightning's Trainer
    cli             the verbs that every domain's command shares
    testing         what every model promises, as tests that a domain inherits

Names are imported when first used: `import vaecore` does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

if TYPE_CHECKING:
    from vaecore.analysis import LatentReport, analyse
    from vaecore.attributes import (
        apply_attributes,
        attribute_directions,
        attribute_vector,
        quartile_attribute_vector,
    )
    from vaecore.codec import Codec, Example, Examples
    from vaecore.config import ModelConfig
    from vaecore.device import choose_device
    from vaecore.distributions import DiagonalGaussian, kl_divergence, reparameterize
    from vaecore.domain import Domain
    from vaecore.errors import DataError, UsageError
    from vaecore.model import VAE
    from vaecore.objective import LossTerms, Objective, free_bits, implied_noise, iwae_bound
    from vaecore.paths import (
        bilinear_grid,
        bilinear_weights,
        interpolate,
        interpolation_weights,
        lerp,
        perturb,
        slerp,
        traverse,
    )
    from vaecore.priors import Flow, GaussianMixture, Prior, StandardNormal, fit_flow, fit_prior
    from vaecore.schedules import Constant, Cyclical, Exponential, Linear, make_schedule
    from vaecore.space import LatentSpace

__all__ = [
    "VAE",
    "Codec",
    "Constant",
    "Cyclical",
    "DataError",
    "DiagonalGaussian",
    "Domain",
    "Example",
    "Examples",
    "Exponential",
    "Flow",
    "GaussianMixture",
    "LatentReport",
    "LatentSpace",
    "Linear",
    "LossTerms",
    "ModelConfig",
    "Objective",
    "Prior",
    "StandardNormal",
    "UsageError",
    "__version__",
    "analyse",
    "apply_attributes",
    "attribute_directions",
    "attribute_vector",
    "bilinear_grid",
    "bilinear_weights",
    "choose_device",
    "fit_flow",
    "fit_prior",
    "free_bits",
    "implied_noise",
    "interpolate",
    "interpolation_weights",
    "iwae_bound",
    "kl_divergence",
    "lerp",
    "make_schedule",
    "perturb",
    "quartile_attribute_vector",
    "reparameterize",
    "slerp",
    "traverse",
]

_HOME = {
    "DiagonalGaussian": "distributions",
    "reparameterize": "distributions",
    "kl_divergence": "distributions",
    "Objective": "objective",
    "LossTerms": "objective",
    "free_bits": "objective",
    "iwae_bound": "objective",
    "implied_noise": "objective",
    "Constant": "schedules",
    "Linear": "schedules",
    "Cyclical": "schedules",
    "Exponential": "schedules",
    "make_schedule": "schedules",
    "lerp": "paths",
    "slerp": "paths",
    "interpolate": "paths",
    "interpolation_weights": "paths",
    "bilinear_grid": "paths",
    "bilinear_weights": "paths",
    "perturb": "paths",
    "traverse": "paths",
    "attribute_vector": "attributes",
    "attribute_directions": "attributes",
    "quartile_attribute_vector": "attributes",
    "apply_attributes": "attributes",
    "StandardNormal": "priors",
    "GaussianMixture": "priors",
    "Flow": "priors",
    "Prior": "priors",
    "fit_flow": "priors",
    "fit_prior": "priors",
    "LatentReport": "analysis",
    "analyse": "analysis",
    "VAE": "model",
    "Codec": "codec",
    "Example": "codec",
    "Examples": "codec",
    "Domain": "domain",
    "LatentSpace": "space",
    "ModelConfig": "config",
    "choose_device": "device",
    "DataError": "errors",
    "UsageError": "errors",
}
"""Names and the modules that they are imported from when first used."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vaecore' has no attribute {name!r}")
    return getattr(import_module(f"vaecore.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
