"""Weights in 8 bits: half the size of float16, with a loss of quality that must be measured.

Every tensor of two or more dimensions is stored under its name as int8, and under `NAME.scale` as
one float16 number for each index of its first axis, the output of a layer. A weight is the product
of the two. The scale of a row is its largest absolute value divided by 127. Vectors (biases) are
small and stay float16.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".scale"
LEVELS = 127
"""Largest absolute value of an int8 weight; -128 is not used."""


def quantised(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with every matrix as int8 and its scales; the others as they are."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.ndim < 2:
            found[name] = tensor
            continue
        rows = tensor.detach().float().flatten(1)
        scale = (rows.abs().amax(1) / LEVELS).half()
        # The weights are divided by the scale as it is stored, so that its rounding adds nothing.
        whole = rows / scale.float().clamp(min=torch.finfo(torch.float32).tiny)[:, None]
        whole = whole.round().clamp(-LEVELS, LEVELS).to(torch.int8)
        found[name], found[name + SCALE] = whole.view(tensor.shape), scale
    return found


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with every int8 matrix that has scales as float32; the others as they are.

    Raises:
        ValueError: Scales are not one float16 for each row of their matrix.
    """
    found = dict(tensors)
    for name, tensor in tensors.items():
        scale = tensors.get(name + SCALE)
        if tensor.dtype != torch.int8 or scale is None:
            continue
        if tensor.ndim < 2 or scale.dtype != torch.float16 or scale.shape != tensor.shape[:1]:
            raise ValueError(f"tensor {name + SCALE!r} is not one float16 for each row of {name!r}")
        rows = scale.float().view(-1, *[1] * (tensor.ndim - 1))
        found[name] = tensor.float().mul_(rows)
        del found[name + SCALE]
    return found
