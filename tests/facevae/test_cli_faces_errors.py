"""Bad pictures and bad requests: one line, the right exit code, and nothing left behind."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from facevae.cli import command


def text(path: Path) -> None:
    path.write_text("hello")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def huge(path: Path) -> None:
    """Write the beginning of a PNG of 30,000 x 30,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100_000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
            for chunk in (header, data)
        )
    )


def truncated(path: Path) -> None:
    path.write_bytes(path.with_name("good.png").read_bytes()[:-200])


def folder(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    pass


BAD = {
    text: "is not an image",
    empty: "is empty",
    huge: "is larger than",
    truncated: "is truncated",
    folder: "is a folder",
    missing: "does not exist",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxed_faces, faces) -> Path:
    """An empty folder but for `good.png`."""
    monkeypatch.chdir(tmp_path)
    Path("good.png").write_bytes(faces[0].read_bytes())
    return tmp_path


def fail(arguments: list[str], code: int) -> str:
    """Return the one line of an error; nothing may be left behind."""
    before = sorted(os.listdir())
    result = CliRunner().invoke(command(), arguments)
    assert result.exit_code == code, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert sorted(os.listdir()) == before
    return line


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
@pytest.mark.parametrize("verb", ["morph", "reconstruct", "similar"])
@pytest.mark.parametrize("chosen", [False, True])
def test_bad_input(here, make, verb, chosen):
    make(Path("bad.png"))
    inputs = ["good.png", "bad.png"] if verb == "morph" else ["bad.png"]
    line = fail([verb, *inputs, "--no-align", *["--model=faces_64"] * chosen], 1)
    assert line.startswith("Error: bad.png: ")
    assert BAD[make] in line


@pytest.mark.parametrize("verb", ["analyze", "evaluate"])
def test_a_folder_without_one_usable_picture(here, verb):
    Path("pictures").mkdir()
    assert "no" in fail([verb, "pictures"], 1)
    Path("pictures/a.jpg").write_text("hello")
    assert "is not an image" in fail([verb, "pictures"], 1)
    assert "does not exist" in fail([verb, "nowhere"], 1)


@pytest.mark.parametrize(
    "output", ["nowhere/x.png", "locked/x.png", "taken.png", "file/frames", "locked/frames"]
)
def test_unwritable_output(here, output):
    Path("locked").mkdir(mode=0o500)
    Path("taken.png").mkdir()
    Path("file").write_text("in the way")
    if output.startswith("locked") and os.access("locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    line = fail(["similar", "good.png", "--no-align", "-o", output], 1)
    assert line.startswith(f"Error: {output[:4]}")


def test_a_folder_that_is_there_is_not_overwritten(here):
    Path("frames").mkdir()
    Path("frames/old.png").write_text("old")
    fail(["morph", "good.png", "good.png", "--no-align", "-o", "frames"], 2)
    assert os.listdir("frames") == ["old.png"]
    Path("none").write_text("a file")
    fail(["sample", "-o", "none"], 2)


def test_a_video_without_pyav(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    line = fail(["morph", "good.png", "good.png", "--no-align", "-o", "m.mp4"], 1)
    assert "PyAV" in line
    assert "pip install 'seqvae[video]'" in line


@pytest.mark.parametrize(
    "arguments",
    [
        "nope",
        "morph",
        "morph good.png",
        "morph good.png good.png good.png --steps 2",
        "morph good.png good.png -o x.avi",
        "morph good.png good.png --hold -1",
        "morph good.png good.png --fps 0",
        "sample --bounce",
        "sample -o x.gif",
        "sample --size 5",
        "palette good.png",
        "edit good.png",
        "edit good.png --add Smiling",
        "edit good.png --add Smiling=1 --sweep 1:2",
        "edit good.png --add Smiling=1 --sweep a:b:3",
        "edit good.png --add Smiling=1 --sweep -1:1:1",
        "edit good.png --add Smiling=1 --sweep -1:1:9999",
        "edit good.png --add Smiling=1 --sweep nan:1:3",
        "similar good.png --amount 2",
        "attribute --name x",
        "attribute --name a/b --with good.png --without good.png",
        "train good.png --resume",
        "train . --preset nope",
        "train . --set training.step=3",
    ],
)
def test_wrong_usage(here, arguments):
    fail(arguments.split(), 2)


def test_a_page_has_four_corners_and_a_name_of_its_kind(here, faces):
    told = fail(["page", "faces_64", *[str(faces[0])] * 5, "-o", "x.html"], 2)
    assert "four corners; 5 files are too many" in told
    assert "must end in .html" in fail(["page", "faces_64", "-o", "x.png"], 2)
    assert not Path("x.html").exists()


def test_an_input_is_not_overwritten_by_default(here, faces):
    Path("edited.png").write_bytes(faces[0].read_bytes())
    line = fail(["edit", "edited.png", "--no-align", "--add", "Smiling=1"], 2)
    assert line == "Error: edited.png is an input; name another file with -o/--output"


def test_without_a_model_in_the_box(here, monkeypatch, tmp_path):
    from dataclasses import replace

    import facevae.domain

    empty_box = replace(facevae.domain.DOMAIN, box=tmp_path / "nothing")
    monkeypatch.setattr(facevae.domain, "DOMAIN", empty_box)
    line = fail(["reconstruct", "good.png"], 1)
    assert line == "Error: there is no model in the box; name a model folder with --model"
    result = CliRunner().invoke(command(), ["models"])
    assert result.stdout == "There is no model in the box yet.\n"
