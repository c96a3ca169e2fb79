"""The speed of the machine's matrix products, an upper bound, measured in the same run."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SIDE = 2048


def rate(work: Callable[[], Any], seconds: float) -> float:
    """Return how often a second a piece of work is done."""
    begun, done = time.perf_counter(), 0
    while done < 1 or time.perf_counter() - begun < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - begun)


def medians(work: Callable[[], Any], seconds: float, repeats: int = 5) -> float:
    """Return the median over repeats of the rate of a piece of work, after one to warm up."""
    work()
    return median(rate(work, seconds / repeats) for _ in range(repeats))


def matmul(dtype: torch.dtype, seconds: float = 2.0) -> float:
    """Return how many operations a second a square matrix product reaches, by the best library.

    In 32 bits torch multiplies with MKL, whose kernels are slow on AMD processors; layers such as
    LSTMs compute with oneDNN, which is timed on the same product.
    """
    import torch

    a, b = (torch.randn(SIDE, SIDE, dtype=dtype) for _ in range(2))
    ways = [lambda: a @ b]
    if dtype == torch.float32 and torch.backends.mkldnn.is_available():
        c, d = a.to_mkldnn(), b.to_mkldnn()
        ways.append(lambda: torch.nn.functional.linear(c, d))
    for way in ways:
        way()
    return 2 * SIDE**3 * max(rate(way, seconds / len(ways)) for way in ways)


def peak_gib() -> float:
    """Return the most memory that this process has held, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def about(threads: int | None = None) -> str:
    """Return a line about the machine and the versions."""
    from importlib.metadata import version

    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            name = next(
                line.split(":")[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    used = f"{threads} threads, " if threads else ""
    versions = f"Python {platform.python_version()}, torch {version('torch')}"
    return f"{name}, {cores} cores; {used}{versions}"
