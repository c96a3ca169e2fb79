"""Music, text and other sequences over the shared latent core.

    music       drums, performances, melodies, trios: reading, representations, networks, pictures
    text        sentences: codec, network, training, quality
    sequences   what both stand on: LSTM layers, sampling, loaders, attribute vectors
    cli         the command `seqvae`
    domains     which domains there are
    models      the models in the box

`import seqvae` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaecore import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from vaecore.space import LatentSpace

__all__ = ["__version__", "load", "models"]


def load(model: str | Path, device: str = "cpu") -> LatentSpace[Any]:
    """Load a model in the box by name ("drums_2bar"), or any model folder.

    Args:
        model: A name listed by `models()`, or a folder written by `seqvae train`.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        vaecore.UsageError: There is no such model.
        vaecore.DataError: The folder was tampered with or is incomplete.
    """
    from seqvae.domains import DOMAINS
    from vaecore.domain import find_model

    domain, folder = find_model(DOMAINS, model)
    return domain.load(folder, device)


def models() -> list[str]:
    """Return the names of the models in the box."""
    from seqvae.domains import DOMAINS

    return sorted(name for domain in DOMAINS for name in domain.shipped())
