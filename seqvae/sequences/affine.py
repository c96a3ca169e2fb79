"""The matrix product of every decoding step, by the fastest kernel of this processor.

PyTorch multiplies 32-bit matrices with MKL, which on AMD processors is half as fast as oneDNN.
Training uses oneDNN's LSTM in any case.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from vaecore.loop import exporting


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias, without gradients.

    Args:
        x: `(batch, in)`.
        weight: `(out, in)`.
        bias: `(out,)`.
    """
    if exporting():
        return functional.linear(x, weight, bias)
    if x.device.type == "cpu" and x.dtype == torch.float32 and onednn_is_faster():
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product
    return functional.linear(x, weight, bias)


@cache
def onednn_is_faster() -> bool:
    """Return whether oneDNN's products are available, and faster than MKL's (on AMD processors)."""
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text() and onednn_works()
    except OSError:
        return False


@cache
def onednn_works() -> bool:
    """Return whether oneDNN's products are available."""
    try:
        x = torch.eye(2)
        # The operation is not documented, so it is used only if its result is right here.
        return torch.equal(torch.ops.mkldnn._linear_pointwise(x, x, None, "none", [], ""), x)
    except (AttributeError, RuntimeError):
        return False
