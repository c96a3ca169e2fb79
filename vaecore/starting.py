"""Starting a command: Ctrl-C ends it with one line even while it is still importing."""

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
    """End the process at once; a signal handler for as long as there is nothing to clean up."""
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def start(command: Callable[[], Group]) -> NoReturn:
    """Run a command as the program; never returns.

    Args:
        command: Imports and builds the command group.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    command().run()
