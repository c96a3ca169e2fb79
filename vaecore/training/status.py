"""A line on stderr that shows the progress of something."""

from __future__ import annotations

import sys
import time

LIVE_SECONDS, PLAIN_SECONDS = 0.5, 30.0
"""Time between two lines: on a terminal, where one replaces the other, and elsewhere."""


class StatusLine:
    """A line that renews itself on a terminal; elsewhere, as in a log file, plain lines.

    Args:
        enabled: Whether anything is shown.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.live = sys.stderr.isatty()
        self._wide = 0
        self._shown = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last line is old enough for another."""
        wait = LIVE_SECONDS if self.live else PLAIN_SECONDS
        return time.monotonic() - self._shown >= wait

    def show(self, text: str, now: bool = True) -> None:
        """Show a line.

        Args:
            text: The line.
            now: Else only if it is due.
        """
        if not self.enabled or not (now or self.due):
            return
        self._shown = time.monotonic()
        if self.live:
            print(f"\r{text:<{self._wide}}", end="", file=sys.stderr, flush=True)
            self._wide = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line on the terminal as it is, and begin a new one."""
        if self.enabled and self.live and self._wide:
            print(file=sys.stderr)
            self._wide = 0
