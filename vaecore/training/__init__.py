"""Training of VAEs, with Lightning's Trainer.

    config      TrainingConfig, the settings of a training
    module      TrainingModule, the LightningModule of a VAE
    callbacks   weight averaging, the best model, limits and signals
    batches     the order of batches, exactly resumable
    loop        fit, which runs the Trainer with all of these
    task        TrainingTask, a domain's data and measures
    pipeline    train, from a task to a complete model folder
    card        the model card
    small       the training loop of small networks beside a VAE
    status      a line that shows progress

The names in `__init__.pyi` are imported when first used: Lightning takes seconds to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
