"""A process that reads files for another one, which may lose it at any time.

It speaks in pickles: on stdin come its settings and then lists of items, on stdout goes "ready" and
then one answer per item. It ends when stdin does, so it never outlives the process that began it by
more than one item; see `seqvae.music.data.guard` for the other side.
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
    """What comes back in place of a result.

    Attributes:
        problem: What went wrong, as the end of a sentence.
        last: The process is not fit to go on.
    """

    problem: str
    last: bool = False


class Settings(NamedTuple):
    """What a child is told first.

    Attributes:
        path: Where to look for modules, `sys.path` of the parent.
        function: The pickled function that is called with every item.
        time_limit: Seconds per item; the parent keeps the clock.
        memory_limit: Megabytes that reading may take beside what the process takes itself.
    """

    path: list[str]
    function: bytes
    time_limit: float
    memory_limit: int


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anyone prints goes where errors go

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
    """Return `function(item)`, or how it failed."""
    try:
        return function(item)
    except MemoryError:
        return Failure(f"needs more than {memory_limit} MB to be read", last=True)
    except Exception as error:  # one bad item must not stop the rest
        return Failure(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")


def limit_memory(megabytes: int) -> None:
    """Let this process map so much more than it does now, where the system can hold it to that."""
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
    """End this process in so many seconds, 0 never: an orphan in an endless loop must end too."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    # By its proper name, so that both sides have the same classes.
    from seqvae.music.data import child

    child.main()
