"""A real browser for the tests of pages: Debian's Chromium, driven by Playwright.

Tests take the fixture `browser` of `conftest.py`; without Chromium they are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""Names of the program on different systems."""
SERIOUS = ("serious", "critical")


def chromium() -> str | None:
    """Return the path of the program, None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a headless browser, or skip the test with the reason."""
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    sync = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed (pip install -e '.[dev]')"
    )
    with sync.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, **options: Any) -> Iterator[Any]:
    """Yield a file as an open page; fail if it complains, or asks for anything but itself.

    Args:
        browser: From `launched`.
        file: The HTML file.
        options: Of the context, such as `viewport` and `color_scheme`.
    """
    context = browser.new_context(offline=True, accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine is slow
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
    )
    page.on(
        "request",
        lambda r: (
            None
            if r.url == file.as_uri() or r.url.startswith(("data:", "blob:"))
            else complaints.append(f"asks for {r.url}")
        ),
    )
    page.goto(file.as_uri())
    try:
        yield page
        assert not complaints, complaints
    finally:
        context.close()


def faults(page: Any) -> list[str]:
    """Return what axe-core finds that is serious; skip where it is not installed.

    It is looked for in $NODE_PATH, and in `node_modules` beside or above the checkout.
    """
    folders = [Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep)]
    folders += [above / "node_modules" for above in Path(__file__).resolve().parents]
    places = [folder / "axe-core/axe.min.js" for folder in folders]
    script = next((place for place in places if place.exists()), None)
    if script is None:
        pytest.skip("axe-core is not here (npm install --prefix FOLDER axe-core, and NODE_PATH)")
    # Not as a script element: the page's policy forbids what is not its own.
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [f"{each['id']}: {each['help']}" for each in found if each["impact"] in SERIOUS]
