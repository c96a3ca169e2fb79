"""The page of `seqvae studio` in Chromium, with the keyboard alone where that is possible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import faults
from studios import tiny

pytest.importorskip("starlette", reason="needs the extra [studio]")
from studio_pages import tab_to, until, visited


@pytest.fixture(scope="module")
def address(browser: Any, box: Path) -> Iterator[str]:
    """The address of a studio with tiny models."""
    with tiny(box) as client:
        yield str(client.base_url).rstrip("/")


def code(page: Any) -> list[float]:
    return page.evaluate("studio.current()?.code")


def moved(page: Any, before: list[float]) -> list[float]:
    """Wait until another code is shown, and return it."""
    until(page, f"studio.current().code && String(studio.current().code) !== String({before})")
    return code(page)


def test_the_keyboard_alone_suffices(browser, address):
    with visited(browser, address, viewport={"width": 1280, "height": 860}) as page:
        tab_to(page, "Try the examples")
        page.keyboard.press("Enter")
        until(page, "studio.current()?.code && studio.state().corners.every(Boolean)")
        until(page, "document.querySelectorAll('.slot.full').length === 4")
        middle = code(page)
        # The point.
        tab_to(page, "The plane between the corners")
        page.keyboard.press("Home")
        page.keyboard.press("PageUp")
        corner = moved(page, middle)
        until(page, "studio.current().title === 'rock'")
        page.keyboard.press("ArrowRight")
        moved(page, corner)
        # A slider, and undo.
        before = code(page)
        tab_to(page, "note density")
        page.keyboard.press("End")
        edited = moved(page, before)
        assert page.evaluate("studio.state().add") == {"note_density": 2}
        page.keyboard.press("Control+z")
        moved(page, edited)
        assert page.evaluate("studio.state().add") == {}
        page.keyboard.press("Control+Shift+z")
        until(page, "studio.state().add.note_density === 2")
        # Play, and stop.
        tab_to(page, "Play")
        page.keyboard.press("Enter")
        until(page, "document.querySelector('.transport .round').ariaLabel === 'Stop'")
        page.keyboard.press("Enter")
        # Make something, keep it, put it into a corner.
        tab_to(page, "Make")
        page.keyboard.press("Enter")
        until(page, "document.querySelectorAll('.card').length === 8")
        tab_to(page, "sample 1 into corner B")
        page.keyboard.press("Enter")
        until(
            page, "document.querySelectorAll('.slot .name')[1].textContent.startsWith('sample 1')"
        )
        tab_to(page, "Keep: sample 1")
        page.keyboard.press("Enter")
        until(page, "document.querySelectorAll('[aria-label=Favourites] .card').length === 1")
        # Favourites last.
        page.reload()
        until(page, "Boolean(globalThis.studio)")
        tab_to(page, "Try the examples")
        page.keyboard.press("Enter")
        until(page, "document.querySelectorAll('[aria-label=Favourites] .card').length === 1")


def test_a_wrong_file_gives_a_friendly_message(browser, address, tmp_path):
    junk = tmp_path / "holiday.mid"
    junk.write_bytes(b"no music at all")
    with visited(browser, address) as page:
        page.set_input_files("input[type=file] >> nth=0", str(junk))
        until(
            page, "document.querySelector('.status').textContent.includes('holiday.mid: is not a')"
        )
        assert page.evaluate("document.querySelectorAll('.slot.full').length") == 0


def test_what_is_saved_is_what_python_makes(browser, address, examples, tmp_path):
    import httpx

    with visited(browser, address) as page:
        files = [str(examples / name) for name in ("rock.mid", "funk.mid")]
        page.set_input_files("input[type=file] >> nth=0", files)
        until(page, "studio.state().corners.filter(Boolean).length === 2 && studio.current()?.code")
        until(page, "document.querySelector('.transport .now').textContent.includes('%')")
        with page.expect_download() as saved:
            page.click("text=MIDI file")
        ids = httpx.post(
            f"{address}/api/encode",
            files=[("inputs", (Path(f).name, Path(f).read_bytes())) for f in files],
        ).json()["files"]
        at = page.evaluate("studio.state().at")
        asked = {"corners": [{"file": each} for each in ids], "at": [at[0], 0]}
        made = httpx.post(f"{address}/api/play", json=asked).content
        assert Path(saved.value.path()).read_bytes() == made


def test_a_phone_shows_it(browser, address):
    with visited(browser, address, viewport={"width": 390, "height": 844}) as page:
        page.click("text=Try the examples")
        until(page, "studio.current()?.code")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert faults(page) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser, address, colours):
    with visited(browser, address, color_scheme=colours) as page:
        assert faults(page) == []
        page.click("text=Try the examples")
        until(page, "studio.current()?.code")
        page.click("text=Make >> nth=-1")
        until(page, "document.querySelectorAll('.card').length === 8")
        assert faults(page) == []
        page.goto(f"{address}/api")
        assert faults(page) == []
