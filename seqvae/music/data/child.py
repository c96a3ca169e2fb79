"""A child process that reads files for its parent, and may crash or be killed at any time.

Parent and child exchange pickles. The child reads its settings and then lists of items from stdin,
and writes "ready" and then one answer per item to stdout. It ends when stdin ends, so that it
outlives its parent by one item at most. The parent's side is `seqvae.music.data.guard`.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

READY = "ready"


class Failure(NamedTuple):
    """The answer in place of a result.

    Attributes:
        problem: The problem, as the end of a sentence that begins with the file's name.
        last: Whether the child must be replaced.
    """

    problem: str
    last: bool = False


class Settings(NamedTuple):
    """The settings of a child, the first thing it reads.

    Attributes:
        path: `sys.path` of the parent.
        function: The pickled function that is called with every item.
        time_limit: Seconds per item, which the parent measures.
        memory_limit: Megabytes that reading may take beside the process itself.
    """

    path: list[str]
    function: bytes
    time_limit: float
    memory_limit: int


def main() -> None:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that the prints of libraries go to stderr instead of among the answers

    def answer(value: Any) -> None:
        answers.write(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        answers.flush()

    with suppress(EOFError, BrokenPipeError):
        settings: Settings = pickle.load(jobs)
        sys.path[:] = settings.path
        function = pickle.loads(settings.function)
        limit_memory(settings.memory_limit)
        answer(READY)
        while True:
            for item in pickle.load(jobs):
                alarm(2 * settings.time_limit + 5)
                result = attempt(function, item, settings.memory_limit)
                answer(result)
                if isinstance(result, Failure) and result.last:
                    return
            alarm(0)


def attempt(function: Callable[[Any], Any], item: Any, memory_limit: int) -> Any:
    """Return `function(item)`, or a `Failure` with its error."""
    try:
        return function(item)
    except MemoryError:
        return Failure(f"needs more than {memory_limit} MB to be read", last=True)
    except Exception as error:  # one bad item must not stop the rest
        return Failure(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")


def limit_memory(megabytes: int) -> None:
    """Limit how much more memory this process may map than now (on Linux only)."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + megabytes * 10**6
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ImportError, OSError):  # not Linux
        pass


def alarm(seconds: float) -> None:
    """End this process after some seconds, even in an endless loop; 0 cancels this."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    # Imported by its full name, so that parent and child pickle the same classes.
    from seqvae.music.data import child

    child.main()
