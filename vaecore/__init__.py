"""The shared core of seqvae and facevae: tensors and latents, no MIDI and no pixels.

    distributions   the posterior, reparameterisation, the KL divergence
    objective       the loss: reconstruction factor, beta (schedules), free bits, importance weights
    paths           lerp, slerp, paths through several points, grids, variations
    perception      how decoded examples are compared
    calibrated      paths, variations and edits that are measured on decoded examples
    attributes      attribute vectors, by means and by regression
    priors          N(0, I), and mixtures and flows fitted to codes
    analysis        how an aggregate posterior compares with the prior
    refinement      gradient steps through the decoder that improve a code after encoding
    model           the VAE over a domain's encoder and decoder
    codec, domain   what a domain brings
    space           LatentSpace, the one object users hold
    folder          models on disk
    training        training over Lightning's Trainer
    cli             the verbs that every domain's command shares
    testing         test classes that a domain inherits for its models

The names in `__init__.pyi` are imported when first used: `import vaecore` does not import torch.
"""

import lazy_loader

__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
