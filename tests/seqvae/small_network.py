"""A tiny sequence VAE, for the tests of networks."""

from __future__ import annotations

from typing import Any

import torch

from seqvae.music.networks.model import SequenceArchitecture, SequenceVAE

STEPS, CLASSES, LATENT = 8, 16, 5


def make(scale: float = 3.0, seed: int = 1, **options: Any) -> SequenceVAE:
    """Return a tiny model; its weights are enlarged, so that it listens to its inputs."""
    settings: dict[str, Any] = {
        "classes": CLASSES,
        "latent_dim": LATENT,
        "embedding_dim": 6,
        "encoder_dim": 7,
        "decoder_dim": 8,
        "summary_dim": 3,
        "segment_dim": 4,
        "conductor_dim": 9,
    }
    torch.manual_seed(seed)
    model = SequenceVAE(SequenceArchitecture(STEPS, **(settings | options)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    return model.eval()
