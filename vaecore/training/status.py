"""A line on stderr that shows progress."""

from __future__ import annotations

import sys
import time

LIVE_SECONDS, PLAIN_SECONDS = 0.5, 30.0
"""Least time between two lines, on a terminal and elsewhere."""


class StatusLine:
    """A line of progress: overwritten on a terminal, otherwise printed again.

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
        """Whether enough time has passed since the last line."""
        wait = LIVE_SECONDS if self.live else PLAIN_SECONDS
        return time.monotonic() - self._shown >= wait

    def show(self, text: str, now: bool = True) -> None:
        """Show a line.

        Args:
            text: The line.
            now: Whether to show it even if it is not `due`.
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
        """End the line on a terminal, so that further output begins a new one."""
        if self.enabled and self.live and self._wide:
            print(file=sys.stderr)
            self._wide = 0
