"""The number of CPU threads that compute a network.

A recurrent network takes many small steps in sequence. Threads that share such a step wait for each
other at its end, longest if a core is busy otherwise: 15 windows of `drums_2bar` per second in
place of 489 (benchmarks/busy_cores.py). So small batches of recurrent networks are computed by one
thread, whatever torch's setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

import torch
from torch import nn

WORTH_SHARING = 2**30
"""Multiplications of one step of a recurrent layer from which on threads share it: about 20 ms of
one core, or several time slices of a busy one."""

_LOCK = Lock()


def use_threads(count: int | None) -> None:
    """Set the number of threads of this process; None leaves it as it is."""
    if count is not None:
        torch.set_num_threads(count)


@contextmanager
def threads_for(network: nn.Module, rows: int) -> Iterator[None]:
    """Compute with one thread in this block, if a recurrent network is given few rows.

    Args:
        network: Any network; without effect if it has no recurrent layer.
        rows: Number of rows of the batch.
    """
    weights = (
        sum(weight.numel() for weight in layer.parameters()) // layer.num_layers
        for layer in network.modules()
        if isinstance(layer, nn.RNNBase)
    )
    largest = max(weights, default=0)
    if not largest or rows * largest >= WORTH_SHARING:
        yield
        return
    with one_thread():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread in this block, and restore the number afterwards.

    Other threads of the program are not affected: torch's setting applies to the calling thread,
    and to threads that have not computed anything yet.
    """
    with _LOCK:
        before = torch.get_num_threads()
        if before > 1:
            torch.set_num_threads(1)
            # The setting applies to new threads, too: a helper thread restores it for them.
            thread = Thread(target=torch.set_num_threads, args=(before,))
            thread.start()
            thread.join()
    try:
        yield
    finally:
        if before > 1:
            torch.set_num_threads(before)
