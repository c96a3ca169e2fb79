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
"""Names of settings in glibc's malloc.h."""

CLEARLY = 1.3
"""A product in bfloat16 has to be so many times as fast before a training computes in it."""

PADDED_TO = 16
"""Batches are padded to a multiple of this many rows: matrix kernels for very few rows round
differently, and an item must come out the same whatever batch it is in."""


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
    """While it is entered, new tensors have at most so many numbers together.

    A network is built within what its stored weights have, so that a configuration that was changed
    is refused before memory is taken. (To build it on torch's device "meta" would tell more, and
    take seconds of imports.)

    Args:
        numbers: Of all tensors together.
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
"""Functions of torch that make a tensor of a size."""


@functools.cache
def fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 matrices faster than 32-bit ones.

    Processors with instructions for bfloat16 are asked once in a process, by timing a product of
    each kind: with AVX-512's alone, one processor was half as fast as in 32 bits (80 against
    145 GFLOP/s on one core) and another four times as fast (486 against 106).
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Private functions of torch; without them 32 bits are taken to be faster.
    asked = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    if not any(getattr(torch.cpu, name, bool)() for name in asked):
        return False
    return seconds_of_product(torch.bfloat16) * CLEARLY < seconds_of_product(torch.float32)


def seconds_of_product(dtype: torch.dtype) -> float:
    """Return the shortest of a few times that a product of two matrices takes, in seconds."""
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
    """Let this process keep memory that it frees, for the next tensor of that size.

    A training step frees and takes the same large tensors over and over. glibc returns each to the
    system at once, which hands it out again in pages that it has to clear and map: a third of the
    time of a step on some machines (benchmarks/train_speed.py). The process stays as large as it
    ever was, so this is for trainings, not for other people's programs that import this.

    Returns:
        Whether the C library has this setting; only glibc has.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))


def pad(rows: Tensor, segments: int = 1, dim: int = 0) -> Tensor:
    """Repeat the last row until a network's products have a multiple of `PADDED_TO` rows.

    What is exported computes the rows that it is given.

    Args:
        rows: A batch.
        segments: Into how many rows the network takes each of them apart before it multiplies; of
            16 bars, one window is enough.
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
