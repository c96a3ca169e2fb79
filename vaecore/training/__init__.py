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

The names in `__init__.pyi` are imported when first used: Lightning takes seconds to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
