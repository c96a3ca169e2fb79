"""A studio's page in a real browser, for tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EXPECTED = "Failed to load resource: the server responded with a status of 4"
"""The browser's own line about an answer that the page shows as a message."""


@contextmanager
def visited(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """Yield a studio's page; fail if it complains, or asks for anything but its server.

    Args:
        browser: From the fixture `browser`.
        address: Of the server.
        options: Of the context, such as `viewport`.
    """
    context = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def say(message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            complaints.append(message.text)

    page.on("console", say)

    def ask(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"asks for {request.url}")

    page.on("request", ask)
    page.goto(address)
    until(page, "Boolean(globalThis.studio)")
    try:
        yield page
        assert not complaints, complaints
    finally:
        context.close()


def until(page: Any, expression: str) -> Any:
    """Wait until an expression of JavaScript is true.

    The page's policy forbids what Playwright's own `wait_for_function` does.
    """
    for _ in range(1200):
        if found := page.evaluate(expression):
            return found
        time.sleep(0.05)
    status = page.evaluate("document.querySelector('.status')?.textContent")
    raise AssertionError(f"never came true: {expression}; the page says {status!r}")


def tab_to(page: Any, words: str) -> None:
    """Move the focus by the Tab key to what is called so."""
    for _ in range(200):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(e => e.getAttribute('aria-label') || e.textContent)(document.activeElement)"
        )
        if found and found.startswith(words):
            return
    raise AssertionError(f"the Tab key does not reach {words!r}")
