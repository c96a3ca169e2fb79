"""The shared core of seqvae and facevae: tensors and latents, no MIDI and no pixels.

    distributions   the posterior, reparameterisation, the KL divergence
    objective       the loss: reconstruction factor, beta (schedules), free bits, importance weights
    paths           lerp, slerp, paths through several points, grids, variations
    perception      how examples of symbols are compared
    calibrated      moves that are measured on what is decoded
    attributes      attribute vectors, by means and by regression
    priors          N(0, I), and mixtures and flows fitted to codes
    analysis        how an aggregate posterior compares with the prior
    refinement      codes made better by the decoder, after encoding
    model           the VAE over a domain's encoder and decoder
    codec, domain   what a domain brings
    space           LatentSpace, the one object users hold
    folder          models on disk
    training        one thin module over Lightning's Trainer
    cli             the verbs that every domain's command shares
    testing         what every model promises, as tests that a domain inherits

The names in `__init__.pyi` are imported when first used: `import vaecore` does not import torch.
"""

import lazy_loader

__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
