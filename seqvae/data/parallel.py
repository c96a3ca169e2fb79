"""A parallel map for files of unknown manners: some hang, some kill the process that reads them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_all_start_methods, get_context
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 64
"""Items per worker that are under way at a time, and so are tried again after a crash."""


class Failure(NamedTuple):
    """What comes back in place of a result."""

    problem: str


class _Overtime(BaseException):
    """Not an `Exception`, so that no reader takes it for a broken file."""


def robust_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    time_limit: float = 20.0,
    preload: Sequence[str] = (),
) -> Iterator[tuple[int, Result | Failure]]:
    """Yield `(index, function(item))` for all items in the order they are done.

    An item whose function raises, overruns the limit or kills its process gives a `Failure`, and
    the others go on.

    Args:
        function: A module-level function; it runs in worker processes.
        items: Its arguments.
        workers: Number of processes; all cores by default.
        time_limit: Seconds per item.
        preload: Modules to import once, for all workers.
    """
    workers = workers or len(os.sched_getaffinity(0))
    # Never a plain fork: this process may have torch's threads, which do not survive one.
    fork_server = "forkserver" in get_all_start_methods()
    context = get_context("forkserver" if fork_server else "spawn")
    if fork_server:
        context.set_forkserver_preload(["__main__", *preload])

    def pool(size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, mp_context=context, initializer=_ignore_interrupts)

    waiting = list(range(len(items)))
    while waiting:
        crashed: list[int] = []
        with _closing(pool(workers)) as executor:
            while waiting and not crashed:
                batch, waiting = waiting[: BATCH * workers], waiting[BATCH * workers :]
                futures = {
                    executor.submit(_guarded, function, items[index], time_limit): index
                    for index in batch
                }
                for future in as_completed(futures):
                    try:
                        yield futures[future], future.result()
                    except BrokenProcessPool:
                        crashed.append(futures[future])
        # One process died and took the others' work along: find out which, one by one.
        for index in sorted(crashed):
            with _closing(pool(1)) as executor:
                try:
                    alone = executor.submit(_guarded, function, items[index], time_limit)
                    yield index, alone.result()
                except BrokenProcessPool:
                    yield index, Failure("kills the process that reads it")


@contextmanager
def _closing(executor: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C, which all processes of a terminal get, to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _guarded(function: Callable[[Item], Result], item: Item, seconds: float) -> Result | Failure:
    _set_limits(seconds)
    try:
        return function(item)
    except _Overtime:
        return Failure(f"takes longer than {seconds:g} s to read")
    except Exception as error:  # one bad item must not stop the rest
        return Failure(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")
    finally:
        _set_limits(0)


def _set_limits(seconds: float) -> None:
    if not hasattr(signal, "setitimer"):
        return
    signal.signal(signal.SIGALRM, _overtime)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    # Compiled code that never returns to Python is deaf to the alarm; this one ends the process.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)


def _overtime(*_: Any) -> None:
    raise _Overtime
