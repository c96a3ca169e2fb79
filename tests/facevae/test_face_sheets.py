"""Faces on their way to another machine: a few large JPEGs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tools import face_sheets

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Four faces of 128 x 128 pixels in two folders, and a black and a white one."""
    for k, name in enumerate(("ada", "bob", "cleo", "dan")):
        place = tmp_path / "faces" / "ab"[k % 2] / f"{name}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(DATA / f"{name}.png") as face:
            face.convert("RGB").resize((128, 128)).save(place, quality=95)
    for name, value in (("black", 0), ("white", 255)):
        Image.new("RGB", (64, 64), (value,) * 3).save(tmp_path / "faces" / f"{name}.jpg")
    return tmp_path / "faces"


@pytest.mark.parametrize("across", [64, 2])
def test_sheets_keep_faces_and_names(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, across: int
) -> None:
    monkeypatch.setattr(face_sheets, "ACROSS", across)
    run, sheets, back = CliRunner().invoke, tmp_path / "sheets", tmp_path / "back"
    packed = run(face_sheets.main, ["pack", str(faces), str(sheets)], catch_exceptions=False)
    assert packed.output.startswith("6 faces in 0.")
    assert len(list(sheets.glob("*.jpg"))) == -(-6 // across**2)
    shutil.move(faces, tmp_path / "away")
    run(face_sheets.main, ["unpack", str(sheets), str(back)], catch_exceptions=False)
    names = {path.relative_to(back).as_posix() for path in back.rglob("*.jpg")}
    assert names == {"a/ada.jpg", "a/cleo.jpg", "b/bob.jpg", "b/dan.jpg", "black.jpg", "white.jpg"}
    for name in names:
        with Image.open(tmp_path / "away" / name) as before, Image.open(back / name) as after:
            assert after.size == (64, 64)
            small = np.asarray(before.resize((64, 64), Image.Resampling.LANCZOS), float)
            error = ((np.asarray(after, float) - small) ** 2).mean()
        assert 10 * np.log10(255**2 / max(error, 1e-9)) > 30, name
    # A neighbour on the sheet does not shine through.
    with Image.open(back / "black.jpg") as black:
        assert np.asarray(black).max() < 8
