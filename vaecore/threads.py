"""How many CPU threads a network's operations share.

A recurrent network goes through many small steps, one after the other. Threads that share such a
step wait for each other at its end, and where a core has other work, for that: 15 windows of
`drums_2bar` a second in place of 489 (benchmarks/busy_cores.py). So small batches of recurrent
networks are computed by one thread, whatever number torch is set to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

import torch
from torch import nn

WORTH_SHARING = 2**30
"""Multiplications of one step of a recurrent layer, from which on threads share it: about 20 ms of
one core, several turns of a busy one."""

_LOCK = Lock()


def use_threads(count: int | None) -> None:
    """Compute with so many threads from now on; None leaves the number as it is."""
    if count is not None:
        torch.set_num_threads(count)


@contextmanager
def threads_for(network: nn.Module, rows: int) -> Iterator[None]:
    """Compute with one thread in this block, if a recurrent network is given few rows.

    Args:
        network: Any network; those that have no recurrent layer are left alone.
        rows: Of the batch.
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
    """Compute with one thread in this block, and with as many as before after it.

    Other threads of the program keep the number they have: torch's setting is that of the thread
    which calls it, and of those which have not computed anything yet.
    """
    with _LOCK:
        before = torch.get_num_threads()
        if before > 1:
            torch.set_num_threads(1)
            # This was for new threads, too: a thread that ends at once sets those back.
            thread = Thread(target=torch.set_num_threads, args=(before,))
            thread.start()
            thread.join()
    try:
        yield
    finally:
        if before > 1:
            torch.set_num_threads(before)
