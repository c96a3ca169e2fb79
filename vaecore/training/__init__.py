"""Training any VAE: an optimiser, its limits, and what is kept.

    config      TrainingConfig, the settings of a training
    module      TrainingModule, a VAE as Lightning's Trainer sees it
    callbacks   averaged weights, the best model, limits and signals
    batches     the order of batches, exactly resumable
    loop        fit, which puts them together
    task        what a domain fills in of a training
    pipeline    around fit: from a task to a complete model folder
    card        the model card of it
    small       the loop for the small networks beside a VAE
    status      a line about how far something is

Names are imported when first used: Lightning takes seconds to import.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "FitResult": "loop",
    "OptimizerConfig": "config",
    "TrainingConfig": "config",
    "TrainingModule": "module",
    "fit": "loop",
}

__all__ = ["FitResult", "OptimizerConfig", "TrainingConfig", "TrainingModule", "fit"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
