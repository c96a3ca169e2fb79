"""The page of a model, played in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from browser import faults, opened

import seqvae
from seqvae.music.page import blender_page

NAMES = ("rock", "bossa", "funk", "house")


@pytest.fixture(scope="module")
def space():
    torch.set_num_threads(1)
    return seqvae.load("drums_2bar")


@pytest.fixture(scope="module")
def file(space, examples, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "drums.html"
    corners = [(name, space.codec.read(examples / f"{name}.mid").first) for name in NAMES]
    path.write_text(blender_page(space, corners, spare=1))
    assert path.stat().st_size < 4.5e6
    return path


READY = "() => seqvae.times.length > 4"
NOTES = "String(seqvae.current.notes)"
CHANGED = f"before => {NOTES} != before"
SAYS = "told => document.getElementById('status').textContent.includes(told)"
FOCUSED = "document.activeElement.ariaLabel ?? document.activeElement.innerText"


def test_a_file_of_ones_own_and_the_sliders(browser, space, file, examples):
    with opened(browser, file) as page:
        page.wait_for_function(READY)
        told = page.evaluate(NOTES)
        page.locator("#file").set_input_files(examples / "train.mid")
        page.wait_for_function(SAYS, arg="train.mid is in the corner")
        page.wait_for_function(CHANGED, arg=told)
        assert page.evaluate("seqvae.corners[0].name") == "train"
        ours = torch.tensor(page.evaluate("[...seqvae.corners[0].code]"))
        # The page's weights have 8 bits.
        assert (ours - space.encode(examples / "train.mid")[0]).abs().max() < 0.1
        for name, value in (("Temperature", "1"), ("Note density", "2")):
            told = page.evaluate(NOTES)
            page.get_by_role("slider", name=name).fill(value)
            page.wait_for_function(CHANGED, arg=told)
        told = page.evaluate(NOTES)
        page.get_by_role("button", name="New draw").click()
        page.wait_for_function(CHANGED, arg=told)
        with page.expect_download() as download:
            page.locator("#transport").get_by_role("button", name="MIDI file").click()
        assert space.codec.read(Path(download.value.path())).first.x.any()
        page.get_by_role("button", name="Invent the corner top right").click()
        assert page.evaluate("seqvae.corners[1].name").startswith("Invented")


def test_a_wrong_file_is_told(browser, file, examples):
    with opened(browser, file) as page:
        for name, told in (("ada.png", "not a MIDI file"), ("alley.mid", "has no drums")):
            page.locator("#file").set_input_files(examples / name)
            page.wait_for_function(SAYS, arg=told)
        assert page.evaluate("seqvae.corners[0].name") == "rock"


def test_a_page_that_cannot_read_files_says_why(browser, file, tmp_path):
    text = file.read_text()
    found = re.search(r'(id="data">)(.*?)(</script>)', text, re.DOTALL)
    data = {**json.loads(found[2]), "reading": None}  # as for models of several voices
    other = tmp_path / "trio.html"
    other.write_text(text.replace(found[2], json.dumps(data).replace("</", "<\\/")))
    drop = "new DragEvent('drop', { bubbles: true, cancelable: true })"
    with opened(browser, other) as page:
        page.wait_for_function(SAYS, arg="seqvae page drums_2bar A.mid B.mid")
        assert page.evaluate(f"!document.body.dispatchEvent({drop})")  # the page stays
        assert page.get_by_role("button", name="MIDI file").count() == 1  # of the player


def test_keys_alone_suffice(browser, file):
    with opened(browser, file) as page:
        names = set()
        for _ in range(45):
            page.keyboard.press("Tab")
            names.add(page.evaluate(FOCUSED))
        corners = {"Open a MIDI file for the corner top left", "Invent the corner bottom right"}
        assert corners | {"Play", "Temperature", "Note density", "Tempo"} <= names
        page.locator("#field").focus()
        for key in ("Home", "PageUp", "ArrowRight"):
            page.keyboard.press(key)
        assert page.evaluate("seqvae.field.point") == [0.05, 0]
        for playing in (True, False):
            page.keyboard.press("Space")
            assert page.evaluate("seqvae.player.playing") == playing


LONG_NAMES = """for (const each of document.querySelectorAll(".slot .name")) {
  each.textContent = "the third verse, a little slower";
}"""


@pytest.mark.parametrize(("size", "theme"), [((360, 740), "dark"), ((1280, 800), "light")])
def test_it_fits_and_is_accessible(browser, file, size, theme):
    viewport = dict(zip(("width", "height"), size, strict=True))
    with opened(browser, file, viewport=viewport, color_scheme=theme) as page:
        page.wait_for_function(READY)
        page.evaluate(LONG_NAMES)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.locator("#field").bounding_box()["height"] > 150
        assert faults(page) == []
