"""The plane of faces as a page, in a real browser."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from browser import faults, opened
from PIL import Image

from facevae.page import palette_page, sprites
from vaecore.errors import UsageError

SIDE = 16


def face(red: float, green: float) -> Image.Image:
    """A picture of one colour, with a dark left half."""
    pixels = np.full((SIDE, SIDE, 3), (255 * red, 255 * green, 60), np.uint8)
    pixels[:, : SIDE // 2] //= 2
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    faces = [face(x / 4, y / 4) for y in range(5) for x in range(5)]
    corners = list(zip((0, 4, 20, 24), ("ann", "ben", "cat", "don"), strict=True))
    path = tmp_path_factory.mktemp("page") / "palette.html"
    path.write_text(palette_page(faces, 5, corners))
    return path


COLOUR = """([x, y]) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  facevae.faceAt(context, x, y, 64);
  return [...context.getImageData(48, 32, 1, 1).data.slice(0, 3)];
}"""


def test_the_face_between_cells_is_between_them(browser, file):
    with opened(browser, file) as page:
        page.wait_for_selector("[data-ready]")
        for x, y in ((0, 0), (1, 0), (0.5, 0.5), (0.3, 0.8), (1, 1)):
            colour = page.evaluate(COLOUR, [x, y])
            assert colour == pytest.approx([255 * x, 255 * y, 60], abs=9)


def test_the_face_follows_the_pointer_and_keys(browser, file):
    colour = """() => { const face = document.getElementById("face"), w = face.width;
        const copy = new OffscreenCanvas(1, 1).getContext("2d");
        copy.drawImage(face, -0.75 * w, -0.5 * w);
        return copy.getImageData(0, 0, 1, 1).data[0]; }"""
    with opened(browser, file, reduced_motion="reduce") as page:
        page.wait_for_selector("[data-ready]")
        box = page.locator("#field").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 2, middle)
        page.mouse.down()
        seen = []
        for share in (0.01, 0.5, 0.99):
            page.mouse.move(box["x"] + share * box["width"], middle, steps=3)
            page.wait_for_timeout(150)
            seen.append(page.evaluate(colour))
        page.mouse.up()
        assert seen == pytest.approx([2, 127, 253], abs=12)
        page.keyboard.press("Home")
        page.wait_for_timeout(150)
        assert page.evaluate(colour) < 12
        assert "50 % ann, 50 % cat" in page.locator("#words").inner_text()
        page.get_by_role("button", name="Draw a path").press("Enter")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("facevae.field.path.length") == 2
        assert page.get_by_role("button", name="Play the path").is_enabled()


@pytest.mark.parametrize(("size", "theme"), [((360, 740), "light"), ((1280, 800), "dark")])
def test_it_fits_and_is_accessible(browser, file, size, theme):
    viewport = dict(zip(("width", "height"), size, strict=True))
    with opened(browser, file, viewport=viewport, color_scheme=theme) as page:
        page.wait_for_selector("[data-ready]")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert faults(page) == []


def test_sprites_are_the_faces_in_their_places():
    faces = [face(x / 2, 0.5) for x in range(3)]
    sheet = Image.open(io.BytesIO(sprites(faces, 2)))
    assert sheet.size == (2 * SIDE, 2 * SIDE)
    for place, each in enumerate(faces):
        row, column = divmod(place, 2)
        box = (column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE)
        difference = np.asarray(sheet.crop(box), float) - np.asarray(each, float)
        assert np.abs(difference).mean() < 6
    with pytest.raises(UsageError, match="more than a page shows"):
        sprites([face(0, 0).resize((2048, 2048))] * 9, 3)
