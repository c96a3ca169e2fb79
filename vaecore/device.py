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
