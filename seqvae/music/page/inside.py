"""The model inside a page: which models a page can have, and how their weights are stored."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from seqvae.music.magenta.model import MagentaVAE
from seqvae.music.networks.model import SequenceVAE
from vaecore.eight_bit import quantised
from vaecore.errors import UsageError
from vaecore.model import VAE
from vaecore.page import bundle

HEADS = ("softmax", "chain", "groove", "notes")
"""Heads that the page's networks have."""
KNOWN = {
    "steps", "classes", "tokens", "latent_dim", "embedding_dim", "encoder_dim", "encoder_layers",
    "encoder_levels", "levels", "conductor_dim", "conductor_layers", "decoder_dim",
    "decoder_layers", "readout", "conditioning", "summary_dim", "segment_dim", "head", "dropout",
    "input_dropout", "scheduled_sampling", "stiff", "tapped", "hearing", "blend", "grid",
    "harmony",
}  # fmt: skip
"""Fields of an architecture that the page's networks know, or that matter in training alone."""
IN_32_BITS, IN_16_BITS, MOST = 4_000_000, 16_000_000, 100_000_000
"""Most weights of an imported model that are stored in 32 and in 16 bits; larger models are stored
in 8 bits, whose effect was measured for the models in the box alone. With more than `MOST` weights,
a page has the decoder alone."""
WORKER = Path(__file__).parent / "model/worker.js"


def checked(model: VAE, name: str) -> SequenceVAE | MagentaVAE:
    """Return a model if a page has its networks.

    Raises:
        UsageError: It does not.
    """
    if isinstance(model, MagentaVAE):
        return model
    if not isinstance(model, SequenceVAE):
        raise UsageError(f"{name}: a page needs a model of seqvae or one imported from Magenta")
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


def inside(model: SequenceVAE | MagentaVAE, name: str) -> dict[str, Any]:
    """Return a model as JSON for a page.

    Returns:
        `architecture` and `weights`; `whole`, whether the encoder is included; and `worker`, the
        script of the worker that decodes, or None if the page itself does.

    Raises:
        UsageError: The decoder has more than `MOST` weights.
    """
    about = {"architecture": asdict(model.architecture), "whole": True, "worker": None}
    if isinstance(model, SequenceVAE):
        return {**about, "weights": packed(model)}
    part: nn.Module = model
    if count(model) > MOST:
        part, about["whole"] = nn.ModuleDict({"decoder": model.decoder}), False
    size = count(part)
    if size > MOST:
        text = f"a page has at most {MOST / 1e6:g} million weights"
        remedy = "seqvae export writes ONNX for your own web pages"
        raise UsageError(f"{name}: {text}, the decoder alone has {size / 1e6:.0f}; {remedy}")
    bits = 32 if size <= IN_32_BITS else 16 if size <= IN_16_BITS else 8
    return {**about, "weights": packed(part, bits), "worker": bundle(WORKER)}


def count(module: nn.Module) -> int:
    """Return the number of a module's weights."""
    return sum(weight.numel() for weight in module.parameters())


def packed(module: nn.Module, bits: int = 8) -> str:
    """Return weights, and the features of tokens, as safetensors in base64, for `tensors.js`.

    Args:
        module: The network.
        bits: Bits of a weight: 8, 16 or 32; with 8, vectors have 16.
    """
    stored = module.state_dict()
    number = torch.float32 if bits == 32 else torch.float16
    tensors = {
        name: tensor.to(number) if tensor.is_floating_point() else tensor
        for name, tensor in (quantised(stored) if bits == 8 else stored).items()
    }
    for name, buffer in module.named_buffers():
        if name.endswith(".features"):  # zeros and ones, which model folders do not store
            tensors[name] = buffer.to(torch.int8)
    return b64encode(save({k: t.cpu().contiguous() for k, t in tensors.items()})).decode()
