"""Threads for blocking work, and a bounded queue before them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

WAITING = 64
"""Most requests that wait for a free thread."""
Answer = TypeVar("Answer")


class Busy(Exception):
    """Too many requests wait already."""


class Pool:
    """A pool of threads.

    Args:
        size: Number of threads.
    """

    def __init__(self, size: int) -> None:
        self._limiter = CapacityLimiter(size)

    async def run(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Run a function in a thread, and return its result.

        Raises:
            Busy: `WAITING` requests wait already.
        """
        if self._limiter.statistics().tasks_waiting >= WAITING:
            raise Busy
        return await to_thread.run_sync(partial(work, *arguments), limiter=self._limiter)
