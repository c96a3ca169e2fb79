"""Executors for chunks of files: threads of this process, or a Dask cluster.

Both are executors as in `concurrent.futures`, and run `guarded_map`, which reads in a child process
with limits. So threads are enough here: each waits for its child. Dask's local schedulers would
need a dependency and a second of import time, and a file that crashes its process would break them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from seqvae.music.data.guard import close_guards
from vaecore.errors import DataError, UsageError

Chunk = TypeVar("Chunk")

CONNECT_LIMIT = 10.0
"""Seconds within which a scheduler must answer and have a worker."""
AHEAD = 3
"""Chunks per thread that are submitted at a time."""
RETRIES = 3
"""How often a chunk is tried again on another worker of a cluster."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def local(workers: int | None) -> Iterator[tuple[Executor, int]]:
    """Yield an executor with some threads (by default as many as cores), and their number."""
    workers = workers or cores()
    executor = ThreadPoolExecutor(workers)
    try:
        yield executor, workers
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        close_guards()
        executor.shutdown()


@contextmanager
def cluster(address: str, example: str) -> Iterator[tuple[Executor, int]]:
    """Yield an executor on a Dask cluster, and its number of threads.

    Args:
        address: Address of the scheduler, such as tcp://10.0.0.1:8786.
        example: A file that every worker must find.

    Raises:
        DataError: Dask is not installed, there is no scheduler or no worker, or a worker does not
            find the file.
        UsageError: The address is not one of a scheduler.
    """
    try:
        from distributed import Client
    except ImportError:
        remedy = "pip install 'seqvae[cluster]'"
        raise DataError("a cluster needs Dask's distributed", remedy=remedy) from None
    if "://" not in address:
        raise UsageError(f"{address} is no address of a scheduler; give one like tcp://HOST:8786")
    for name in ("distributed", "tornado"):  # the DataErrors here report errors
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_LIMIT, set_as_default=False)
    except ValueError as error:
        raise UsageError(f"{address} is no address of a scheduler ({error})") from None
    except (OSError, RuntimeError, asyncio.TimeoutError) as error:
        remedy = "start one with `dask scheduler`, or check the address"
        raise DataError("no Dask scheduler answers there", path=address, remedy=remedy) from error
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_LIMIT)
        except (TimeoutError, asyncio.TimeoutError):
            remedy = f"start some with `dask worker {address}`"
            raise DataError("the scheduler has no workers", path=address, remedy=remedy) from None
        if not all(client.run(os.path.exists, example).values()):
            remedy = "put the files where all workers find them under the same name"
            raise DataError("a worker does not find it", path=example, remedy=remedy)
        threads = sum(client.nthreads().values())
        # Reading has no side effects, so Dask may repeat it on another worker.
        executor = client.get_executor(pure=False, retries=RETRIES)
        try:
            yield executor, threads
        finally:
            executor.shutdown(wait=False)  # which cancels running tasks
        client.run(close_guards)
    finally:
        client.close(timeout=1)


def unordered(
    executor: Executor,
    threads: int,
    function: Callable[[Chunk], Any],
    chunks: Iterable[Chunk],
) -> Iterator[tuple[Chunk, Any]]:
    """Yield each chunk with `function(chunk)` when it is done, in any order.

    Args:
        executor: Where to call the function.
        threads: Its number of threads; `AHEAD` chunks for each are submitted at a time.
        function: The function.
        chunks: The chunks.

    Raises:
        DataError: The executor failed, instead of a file.
    """
    waiting = iter(chunks)
    pending: dict[Any, Chunk] = {}
    while True:
        for chunk in islice(waiting, max(AHEAD * threads - len(pending), 0)):
            pending[executor.submit(function, chunk)] = chunk
        if not pending:
            return
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            chunk = pending.pop(future)
            try:
                yield chunk, future.result()
            except Exception as error:
                text = " ".join(str(error).split())[:160] or type(error).__name__
                remedy = "the same command continues from here"
                raise DataError(f"the workers failed ({text})", remedy=remedy) from error
