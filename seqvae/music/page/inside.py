"""The model inside a page: which ones a page can have, and how it holds their weights."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict

from seqvae.music.magenta.model import MagentaVAE
from seqvae.music.networks.model import SequenceVAE
from vaecore.eight_bit import quantised
from vaecore.errors import UsageError
from vaecore.model import VAE

HEADS = ("softmax", "chain", "groove", "notes")
"""Heads that the page's networks of ours have."""
KNOWN = {
    "steps", "classes", "tokens", "latent_dim", "embedding_dim", "encoder_dim", "encoder_layers",
    "encoder_levels", "levels", "conductor_dim", "conductor_layers", "decoder_dim",
    "decoder_layers", "readout", "conditioning", "summary_dim", "segment_dim", "head", "dropout",
    "input_dropout", "scheduled_sampling", "stiff", "tapped", "hearing", "blend", "grid",
    "harmony",
}  # fmt: skip
"""Entries of an architecture that the page's networks have, or that are of training alone."""
IN_32_BITS, IN_16_BITS = 4_000_000, 16_000_000
"""Up to so many weights a page has those of an imported model in 32 and in 16 bits, else in 8. What
8 bits change was measured for the models in the box, not for others."""


def checked(model: VAE, name: str) -> SequenceVAE | MagentaVAE:
    """Return a model whose networks the page has.

    Raises:
        UsageError: It does not have them; the message says why.
    """
    if isinstance(model, MagentaVAE):
        return model
    if not isinstance(model, SequenceVAE):
        raise UsageError(f"{name}: a page has the networks of seqvae's models and of imported ones")
    found = asdict(model.architecture)
    others = [key for key, value in found.items() if key not in KNOWN and value]
    if others:
        raise UsageError(f"{name}: a page cannot have models with {', '.join(others)} yet")
    if found["head"] not in HEADS and isinstance(found["head"], str):
        text = f"{name}: a page cannot have models of {found['tokens']} yet"
        raise UsageError(f"{text}; a palette (-o x.html) plays without one")
    if isinstance(found["classes"], list | tuple) and not found["levels"]:
        raise UsageError(f"{name}: a page cannot have models whose voices share one decoder")
    return model


def bits_of(model: VAE) -> int:
    """Return in how many bits a page holds a weight of a model's: 8, 16 or 32."""
    count = sum(weight.numel() for weight in model.parameters())
    if not isinstance(model, MagentaVAE) or count > IN_16_BITS:
        return 8
    return 16 if count > IN_32_BITS else 32


def weights(model: VAE, bits: int = 8) -> str:
    """Return the weights, and the features of tokens, as `tensors.js` reads them.

    Args:
        model: The model.
        bits: Of a weight; with 8, vectors have 16.
    """
    import torch
    from safetensors.torch import save

    stored = model.state_dict()
    number = torch.float32 if bits == 32 else torch.float16
    tensors = {
        name: tensor.to(number) if tensor.is_floating_point() else tensor
        for name, tensor in (quantised(stored) if bits == 8 else stored).items()
    }
    for name, buffer in model.named_buffers():
        if name.endswith(".features"):  # zeros and ones, which no folder has to store
            tensors[name] = buffer.to(torch.int8)
    return b64encode(save({k: t.cpu().contiguous() for k, t in tensors.items()})).decode()
