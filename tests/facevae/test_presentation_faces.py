"""Sheets and films: where every picture lies, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevae.cli.pages import page
from facevae.codec import FaceCodec
from facevae.presentation import Film, contact_sheet, enlarge, write_gif
from facevae.presentation.sheet import GAP, MARGIN, PAGE, square
from vaecore.cli.presentation import Result
from vaecore.codec import Example

COLOURS = ("red", "lime", "blue", "yellow", "magenta", "cyan", "black", "gray", "orange", "purple")


def plain(count: int, size: int = 16) -> list[Image.Image]:
    """Return pictures of one colour each."""
    return [Image.new("RGB", (size, size), COLOURS[k % len(COLOURS)]) for k in range(count)]


def found(picture: Image.Image, column: int, row: int, side: int) -> tuple[int, int, int]:
    """Return the colour in the middle of a place of a sheet without captions."""
    step = side + GAP
    return picture.getpixel((MARGIN + column * step + side // 2, MARGIN + row * step + side // 2))


def test_pictures_lie_in_rows() -> None:
    pictures = plain(5)
    made = contact_sheet(pictures, 3, side=40)
    assert made.size == (2 * MARGIN + 3 * 40 + 2 * GAP, 2 * MARGIN + 2 * 40 + GAP)
    for place, picture in enumerate(pictures):
        assert found(made, place % 3, place // 3, 40) == picture.getpixel((0, 0))
    white = Image.new("RGB", (1, 1), PAGE).getpixel((0, 0))
    assert found(made, 2, 1, 40) == white
    assert made.getpixel((2, 2)) == made.getpixel((made.width - 3, made.height - 3)) == white


def test_places_may_be_free() -> None:
    made = contact_sheet([None, *plain(1)], 2, side=30)
    assert found(made, 0, 0, 30) == (255, 255, 255)
    assert found(made, 1, 0, 30) == (255, 0, 0)


def test_captions_take_room_below_their_row_only() -> None:
    without = contact_sheet(plain(4), 2, side=40)
    above = contact_sheet(plain(4), 2, side=40, captions=["a"])
    below = contact_sheet(plain(4), 2, side=40, captions=["", "", "", "a"])
    both = contact_sheet(plain(4), 2, side=40, captions=["a", "", "", "a"])
    lines = contact_sheet(plain(4), 2, side=40, captions=["a\nb"])
    assert without.height < above.height == below.height < lines.height < both.height
    assert found(below, 1, 1, 40) == plain(4)[3].getpixel((0, 0))
    ink = np.asarray(below)[MARGIN + 2 * (40 + GAP) - GAP : -1, MARGIN + 40 + GAP :]
    assert (ink < 200).any()
    assert (np.asarray(below)[MARGIN + 40 : MARGIN + 40 + GAP] == 255).all()


def test_a_long_caption_stays_below_its_picture() -> None:
    made = np.asarray(contact_sheet(plain(2), 2, side=48, captions=["a long name" * 9]))
    below = made[MARGIN + 48 :]
    assert (below[:, : MARGIN + 48] < 200).any()
    assert (below[:, MARGIN + 48 + 2 :] == 255).all()


def test_rows_have_names_at_their_left() -> None:
    without, made = (contact_sheet(plain(4), 2, side=40, rows=rows) for rows in ((), ("ab", "c")))
    assert made.height == without.height
    wider = made.width - without.width
    assert wider > 10
    assert (np.asarray(made)[:, : MARGIN + wider - 10] < 200).any()
    part = made.crop((wider, 0, made.width, made.height))
    assert np.array_equal(np.asarray(part)[:, MARGIN:], np.asarray(without)[:, MARGIN:])


def test_small_pictures_are_enlarged_without_steps() -> None:
    edge = Image.new("RGB", (64, 64))
    edge.paste("white", (32, 0, 64, 64))
    large = np.asarray(enlarge(edge, 256))[128, :, 0].astype(int)
    assert large[0] == 0
    assert large[-1] == 255
    assert len(np.unique(large[112:144])) > 8
    assert enlarge(edge, 64) is edge
    assert contact_sheet(plain(2, 64), 2).width > 2 * 128


@pytest.mark.parametrize("count", [1, 2, 5, 7, 9, 12, 16, 25, 30, 97])
def test_many_pictures_make_a_page(count: int) -> None:
    columns = square(count)
    rows = -(-count // columns)
    assert (rows - 1) * columns < count <= rows * columns
    assert rows <= columns <= 2 * rows + 4
    if count == 16:
        assert columns == 4


def result(verb: str, count: int, **more: object) -> Result:
    titles = more.pop("titles", [""] * count)
    codec = FaceCodec(16)

    def examples(pictures: Sequence[Image.Image]) -> list[Example]:
        return [codec.read(picture).first for picture in pictures]

    for name in {"originals", "kept"} & set(more):
        more[name] = examples(more[name])
    return Result(verb, codec, [examples(plain(count))], titles, **more)


def columns_of(picture: Image.Image, side: int) -> int:
    """Return how many pictures the first row has."""
    row = np.asarray(picture)[MARGIN + side // 2]
    white = (row == 255).all(axis=-1)
    return int((np.diff(white.astype(int)) == -1).sum())


def test_a_reconstruction_lies_below_its_original() -> None:
    originals = plain(3)[::-1]
    made = page(result("reconstruct", 3, originals=originals, titles=["a", "b", "c"]), 40)
    left = made.width - MARGIN - 3 * (40 + GAP) + GAP
    for column in range(3):
        x = left + column * (40 + GAP) + 20
        assert made.getpixel((x, MARGIN + 20)) == originals[column].getpixel((0, 0))
        below = made.getpixel((x, MARGIN + 40 + GAP + 20))
        assert below == plain(3)[column].getpixel((0, 0))


def test_many_reconstructions_go_on_below() -> None:
    few, many = (page(result("reconstruct", n, originals=plain(n)), 40) for n in (8, 11))
    assert many.width == few.width
    assert many.height == few.height + 2 * (40 + GAP)


def test_an_edit_has_its_reconstruction_beside_it() -> None:
    one = result(
        "edit", 1, originals=plain(2)[1:], kept=plain(3)[2:], titles=["Smiling+1.5 Blond_Hair-1"]
    )
    made = page(one, 40)
    assert columns_of(made, 40) == 3
    for number, picture in enumerate([*plain(3)[1:], *plain(1)]):
        x = MARGIN + number * (40 + GAP) + (3 * GAP if number else 0) + 20
        assert made.getpixel((x, MARGIN + 20)) == picture.getpixel((0, 0))


def test_a_sweep_repeats_the_original_in_each_row() -> None:
    titles = [f"{name}{k:+g}" for name in ("Smiling", "No_Beard") for k in (-1, 0, 1.5)]
    swept = result("edit", 6, originals=plain(7)[6:], titles=titles, columns=3)
    made = page(swept, 40)
    left = made.width - MARGIN - 4 * (40 + GAP) + GAP - 3 * GAP
    black = plain(7)[6].getpixel((0, 0))
    rows = [y for y in range(made.height) if made.getpixel((left + 20, y)) == black]
    assert rows[0] == MARGIN
    assert rows[-1] - rows[0] > 2 * 40


@pytest.mark.parametrize(
    ("verb", "count", "more", "columns"),
    [
        ("morph", 9, {}, 9),
        ("morph", 17, {}, 9),
        ("palette", 12, {"columns": 4}, 4),
        ("sample", 16, {}, 4),
        ("similar", 4, {"originals": plain(1)}, 5),
    ],
)
def test_the_page_of_each_verb(verb: str, count: int, more: dict, columns: int) -> None:
    made = page(result(verb, count, **more), 40)
    left = made.width - 2 * MARGIN - 3 * GAP * (verb == "similar") - columns * (40 + GAP) + GAP
    assert left >= 0  # the names of rows
    assert (verb == "similar") == (left > 0)
    assert columns_of(made, 40) >= columns


def test_a_film_rests_at_its_stops() -> None:
    frames = plain(4)
    film = Film.of(frames, fps=10, hold=0.5, stops=(0, 3))
    assert film.frames == frames
    assert film.seconds == pytest.approx([0.6, 0.1, 0.1, 0.6])
    back = Film.of(frames, fps=10, hold=0.5, stops=(0, 3), bounce=True)
    assert back.frames == [*frames, frames[2], frames[1]]
    assert back.length == pytest.approx(1.6)


def test_a_gif_shows_smooth_shades(tmp_path: Path) -> None:
    shades = np.linspace(60, 200, 256)[None, :, None] * np.array([1.0, 0.8, 0.7])
    frame = Image.fromarray(np.repeat(shades, 256, axis=0).round().astype(np.uint8))
    other = frame.rotate(90)
    write_gif(Film.of([frame, other], fps=5), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (2, 200, 0)
        first = gif.convert("RGB")
        gif.seek(1)
        second = gif.convert("RGB")
    for seen, meant in ((first, frame), (second, other)):
        difference = np.asarray(seen.reduce(8), float) - np.asarray(meant.reduce(8), float)
        assert np.abs(difference).max() < 8


def test_a_gif_keeps_the_colours_of_each_frame(tmp_path: Path) -> None:
    """Better than 40 dB, where 256 colours of an octree with dithering give 36 on faces."""
    faces = Path(__file__).parents[2] / "data"
    frames = [Image.open(faces / f"{name}.png").resize((256, 256), 3) for name in ("ada", "bob")]
    write_gif(Film.of(frames), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        for k, frame in enumerate(frames):
            gif.seek(k)
            apart = np.asarray(gif.convert("RGB"), float) - np.asarray(frame, float)
            assert 10 * np.log10(255**2 / (apart**2).mean()) > 39
