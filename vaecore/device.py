"""Where to compute: CUDA, Apple's MPS or the CPU."""

from __future__ import annotations

import torch

from vaecore.errors import UsageError

NAMES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" takes the fastest one present.

    Args:
        name: "auto", "cpu", "mps", "cuda" or "cuda:N".

    Raises:
        UsageError: The name is unknown or this machine has no such device.
    """
    kind = name.split(":")[0]
    if kind not in NAMES:
        raise UsageError(f"unknown device {name!r}; choose one of {', '.join(NAMES)}")
    if kind == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"this machine has no CUDA device for --device {name}; use --device cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("this machine has no MPS device; use --device cpu")
    return torch.device(name)
