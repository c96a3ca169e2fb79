"""Work that is killed in the middle: in a copy of this process, at one of its steps on the disk."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.scandir")
"""Audit events of Python at which work may be killed."""
DONE, FAILED = 0, 3


def killed_at(
    work: Callable[[Path], object], folder: Path, event: int | None, log: Path | None = None
) -> int:
    """Run work in a copy of this process, and kill that (-9) before its nth step on the disk.

    Args:
        work: What to do in the folder.
        folder: Only what happens in it is a step.
        event: Number of the step, from 1; None lets it run to its end.
        log: Where the number of its steps is written at the end; what went wrong, otherwise.

    Returns:
        `DONE`, `FAILED` (an exception), or -9.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    code = FAILED
    try:
        said = os.open(os.devnull if log is None else log, os.O_RDWR | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(said, stream)
        count = 0

        def hook(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if name in EVENTS and str(arguments[0]).startswith(str(folder)):
                count += 1
                if count == event:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work(folder)
        total = count
        if log is not None:
            log.write_text(str(total))
        code = DONE
    except BaseException:
        os.write(1, traceback.format_exc().encode())
    finally:
        os._exit(code)


def steps_of(work: Callable[[Path], object], folder: Path) -> int:
    """Return how many steps on the disk undisturbed work takes."""
    log = folder.with_suffix(".steps")
    found = killed_at(work, folder, None, log)
    assert found == DONE, f"the work fails even undisturbed ({found}): {log.read_text()}"
    return int(log.read_text())


def content(folder: Path, leave_out: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Return the files below a folder with their bytes, but for some names."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out and "logs" not in path.parts
    }
