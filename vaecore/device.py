"""Where to compute: CUDA, Apple's MPS or the CPU."""

from __future__ import annotations

import ctypes
import functools
import math
import sys
import time
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vaecore.errors import UsageError
from vaecore.loop import exporting

NAMES = ("auto", "cpu", "cuda", "mps")
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""M_TRIM_THRESHOLD and M_MMAP_MAX of glibc's malloc.h."""

CLEARLY = 1.3
"""Speed-up of a matrix product from which on a training computes in bfloat16."""

PADDED_TO = 16
"""Batches are padded to a multiple of this many rows: matrix kernels for very few rows round
differently, and the result for an item must not depend on its batch."""


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" takes the fastest one present.

    Args:
        name: "auto", "cpu", "mps", "cuda" or "cuda:N".

    Raises:
        UsageError: The name is unknown or this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:  # torch's message lists dozens of kinds of device
        device = None
    if device is None or device.type not in NAMES:
        raise UsageError(f"unknown device {name!r}; choose one of {', '.join(NAMES)}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"this machine has no device {name!r}; use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"this machine has no device {name!r}; use --device cpu")
    return device


class Budget(TorchFunctionMode):
    """A context in which new tensors may have at most a given number of elements together.

    A network is built within the size of its stored weights, so that a changed configuration is
    refused before it takes memory. (Torch's device "meta" would do, but takes seconds to import.)

    Args:
        numbers: Elements of all new tensors together; more raise MemoryError.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.left = numbers

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _MAKERS:
            size = kwargs.get("size", args[0] if args and not isinstance(args[0], int) else args)
            if isinstance(size, (tuple, list)) and all(type(side) is int for side in size):
                self.left -= math.prod(size)
            if self.left < 0:
                raise MemoryError("a network is larger than its weights")
        return func(*args, **kwargs)


_MAKERS = frozenset(("empty", "zeros", "ones", "rand", "randn", "full"))
"""Functions of torch that allocate a tensor of a given size."""


@functools.cache
def fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 matrices faster than 32-bit ones.

    CPUs with instructions for bfloat16 are timed once in a process: with AVX-512 alone, one was
    half as fast as in 32 bits (80 against 145 GFLOP/s on one core), another four times as fast
    (486 against 106).
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Private functions of torch; where they are missing, 32 bits count as faster.
    asked = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    if not any(getattr(torch.cpu, name, bool)() for name in asked):
        return False
    return seconds_of_product(torch.bfloat16) * CLEARLY < seconds_of_product(torch.float32)


def seconds_of_product(dtype: torch.dtype) -> float:
    """Return the seconds that a product of two 512 x 512 matrices takes, the best of six runs."""
    matrix = torch.ones(512, 512, dtype=dtype)
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        torch.mm(matrix, matrix)
        times.append(time.perf_counter() - begin)
    return min(times)


def autocast(device: torch.device | str) -> torch.autocast:
    """Return a context that computes in bfloat16 on a device, where that is fast."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=fast_bfloat16())


def as_double(x: Tensor) -> Tensor:
    """Return a tensor of the same shape in float64; from MPS, which has none, on the CPU."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for later tensors of that size.

    A training step frees and allocates the same large tensors again and again. glibc returns each
    to the system at once, which clears and maps its pages anew: a third of the time of a step on
    some machines (benchmarks/train_speed.py). The process never shrinks then, so this is for
    trainings, not for programs that import this package.

    Returns:
        Whether the C library has this setting; only glibc has.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))


def pad(rows: Tensor, segments: int = 1, dim: int = 0) -> Tensor:
    """Repeat the last row until a network's products have a multiple of `PADDED_TO` rows.

    Exported networks are not padded.

    Args:
        rows: A batch.
        segments: Number of rows into which the network splits each row before it multiplies: a
            window of 16 bars needs no padding.
        dim: The dimension of the batch.

    Returns:
        The rows, and after them copies of the last one.
    """
    if exporting():
        return rows
    multiple = PADDED_TO // math.gcd(PADDED_TO, segments)
    missing = -rows.shape[dim] % multiple
    if not missing:
        return rows
    last = rows.narrow(dim, rows.shape[dim] - 1, 1)
    return torch.cat([rows, last.expand(*rows.shape[:dim], missing, *rows.shape[dim + 1 :])], dim)
