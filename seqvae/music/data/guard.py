"""Reading files that may hang, take all memory, or crash the process that reads them.

`guarded_map` reads in a child process of the calling thread, with limits of time and memory per
item. An item that fails costs the start of another child at most. It works in the threads of
`seqvae prepare` and in those of Dask workers.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import vaecore
from seqvae.music.data.child import READY, Failure, Settings

Item = TypeVar("Item")
Answer = TypeVar("Answer")

START_LIMIT = 120.0
"""Seconds within which a child must be ready; on an idle machine less than one is needed."""


class Closed(Exception):
    """The guard was closed while it worked."""


class Guard:
    """A child process that calls a function with items one by one; replaced when it dies.

    Args:
        function: A module-level function of one argument, or a partial of one.
        time_limit: Seconds per item.
        memory_limit: Megabytes per item, beside the child itself.
    """

    def __init__(
        self, function: Callable[[Item], Answer], time_limit: float, memory_limit: int
    ) -> None:
        self.settings = Settings(sys.path[:], pickle.dumps(function), time_limit, memory_limit)
        self.closed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def map(self, items: Sequence[Item]) -> list[Answer | Failure]:
        """Return `function(item)` for all items, with a `Failure` for each item that failed.

        Raises:
            Closed: Another thread closed this guard.
            RuntimeError: No child can be started.
        """
        results: list[Answer | Failure] = []
        suspect = -1
        try:
            while len(results) < len(items):
                if self._child is None or self._child.poll() is not None:
                    self._start()
                self._send(list(items[len(results) :]))
                while len(results) < len(items):
                    answer = self._next()
                    if answer is None and suspect != len(results):
                        # The child may have died for another reason, so the item is tried again.
                        suspect = len(results)
                        self._stop()
                        break
                    results.append(self._crashed() if answer is None else answer)
                    if isinstance(results[-1], Failure) and results[-1].last:
                        self._stop()
                        break
        except BaseException:
            self._stop()
            raise
        return results

    def close(self) -> None:
        """End the child, even while it reads."""
        self.closed = True
        self._stop()

    def _start(self) -> None:
        if self.closed:
            raise Closed
        root = str(Path(vaecore.__file__).resolve().parents[1])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        # Items are read one by one, so that threads of NumPy would only take memory.
        alone = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "seqvae.music.data.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **alone},
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(
            target=_listen, args=(self._child.stdout, self._answers), daemon=True
        ).start()
        self._send(self.settings)
        try:
            ready = self._answers.get(timeout=START_LIMIT)
        except queue.Empty:
            ready = None
        if ready != READY:
            self._stop()
            if self.closed:
                raise Closed
            raise RuntimeError(f"{sys.executable} -m seqvae.music.data.child does not start")

    def _send(self, value: Any) -> None:
        child = self._child
        with suppress(OSError, ValueError):  # a dead child is noticed when no answer comes
            if child is not None and child.stdin is not None:
                pickle.dump(value, child.stdin, pickle.HIGHEST_PROTOCOL)
                child.stdin.flush()

    def _next(self) -> Any:
        """Return the child's next answer, or None if it has died."""
        try:
            answer = self._answers.get(timeout=self.settings.time_limit)
        except queue.Empty:
            answer = Failure(f"takes longer than {self.settings.time_limit:g} s to read", last=True)
        if self.closed:
            raise Closed
        return answer

    def _crashed(self) -> Failure:
        code = self._child.wait() if self._child else 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Failure(f"kills the process that reads it ({how})", last=True)

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            with suppress(OSError):
                if child.stdin is not None:
                    child.stdin.close()


def _listen(pipe: Any, answers: queue.SimpleQueue[Any]) -> None:
    """Put the answers from a pipe into a queue, and None at its end."""
    with suppress(Exception), pipe:  # at the end, or at half an answer of a killed child
        while True:
            answers.put(pickle.load(pipe))
    answers.put(None)


_mine = threading.local()
_all: set[Guard] = set()
_lock = threading.Lock()


def guarded_map(
    function: Callable[[Item], Answer],
    items: Sequence[Item],
    time_limit: float,
    memory_limit: int,
) -> list[Answer | Failure]:
    """Return `function(item)` for all items, called in a child process of this thread.

    The next call with the same function and limits uses the same child; `close_guards` ends it.
    Arguments and errors are those of `Guard`.
    """
    guard: Guard | None = getattr(_mine, "guard", None)
    settings = (pickle.dumps(function), time_limit, memory_limit)
    if guard is None or guard.closed or guard.settings[1:] != settings:
        if guard is not None:
            _forget(guard)
        guard = _mine.guard = Guard(function, time_limit, memory_limit)
        with _lock:
            _all.add(guard)
    return guard.map(items)


def close_guards() -> None:
    """End the children of all threads of this process."""
    with _lock:
        guards = list(_all)
    for guard in guards:
        _forget(guard)


def _forget(guard: Guard) -> None:
    guard.close()
    with _lock:
        _all.discard(guard)
