"""The shared core of seqvae and facevae: tensors and latents, no MIDI and no pixels.

    distributions   the posterior, reparameterisation, the KL divergence
    objective       the loss: reconstruction factor, beta (schedules), free bits, importance weights
    paths           lerp, slerp, paths through several points, grids, variations
    attributes      attribute vectors, by means and by regression
    samplers        N(0, I) and a Gaussian mixture on the aggregate posterior
    analysis        how an aggregate posterior compares with the prior
    model           the VAE over a domain's encoder and decoder
    codec, domain   what a domain brings
    space           LatentSpace, the one object users hold
    folder          models on disk
    training        one thin module over Lightning's Trainer
    cli             the verbs that every domain's command shares

Names are imported when first used: `import vaecore` does not import torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0.dev0"
"""Of the whole distribution: `pyproject.toml` reads it from here."""

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
    "attribute_vector": "attributes",
    "attribute_directions": "attributes",
    "quartile_attribute_vector": "attributes",
    "apply_attributes": "attributes",
    "StandardNormal": "samplers",
    "GaussianMixture": "samplers",
    "LatentReport": "analysis",
    "analyse": "analysis",
    "VAE": "model",
    "Codec": "codec",
    "Domain": "domain",
    "LatentSpace": "space",
    "ModelConfig": "folder",
    "choose_device": "device",
    "DataError": "errors",
    "UsageError": "errors",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vaecore' has no attribute {name!r}")
    return getattr(import_module(f"vaecore.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
