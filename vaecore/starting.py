"""The first moments of a command: Ctrl-C ends it in one line, though nothing is imported yet."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from vaecore.cli.main import Group

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def interrupted(number: int, frame: object) -> NoReturn:
    """End the process, as long as it has nothing to put away."""
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def start(command: Callable[[], Group]) -> NoReturn:
    """Be the program of a command that is still to be imported and built."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    command().run()
