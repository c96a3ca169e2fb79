"""Alignment as a whole: a drawn portrait, and real faces where the shared data is at hand."""

from __future__ import annotations

import cmath
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from portrait import portrait

from facevae.align import align_folder, finding, frame, is_framed
from facevae.align.framing import _prominence
from facevae.align.geometry import Similarity
from tools.framing.train import split
from vaecore.errors import DataError


def gradient(width: int = 90, height: int = 70) -> Image.Image:
    """Return a smooth picture without any symmetry: red grows rightwards, green downwards."""
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([red, green, 0 * red + 60], axis=-1).astype(np.uint8))


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


def wall(face: Image.Image, turn: float = 0) -> tuple[Image.Image, Similarity]:
    """Return a grey wall with a face on it, turned clockwise as a whole, and where the face is."""
    picture = Image.new("RGB", (900, 700), "grey")
    picture.paste(face.resize((256, 256)), (500, 150))
    picture = picture.rotate(-turn, Image.Resampling.BICUBIC)
    factor, middle = cmath.rect(1, math.radians(turn)), 450 + 350j
    centre = middle + factor * (628 + 278j - middle)
    return picture, Similarity.of_square(centre, 256, turn)


class TestPortrait:
    @pytest.mark.parametrize("size", [64, 128, 300])
    def test_framed_it_is_left_untouched(self, size):
        framing = frame(portrait(size))
        assert framing.framed_already
        assert framing.confidence > 0.9
        assert difference(framing.image, portrait(size)) == 0
        assert framing.square.side == size

    def test_framed_it_may_be_resized(self):
        framing = frame(portrait(256), 64)
        assert framing.framed_already
        assert framing.image.size == (64, 64)

    def test_nearly_square_it_loses_the_rest(self):
        wide = Image.new("RGB", (260, 256))
        wide.paste(portrait(256), (2, 0))
        assert difference(frame(wide).image, portrait(256)) == 0

    @pytest.mark.parametrize("turn", [0, -17, 35, 90, 180])
    def test_on_a_wall_it_is_found_and_framed(self, turn):
        picture, truth = wall(portrait(), turn)
        assert not is_framed(picture)
        framing = frame(picture, 128)
        assert not framing.framed_already
        assert framing.faces == 1
        assert (truth.inverse @ framing.square).displacement() < 0.06
        assert difference(framing.image, portrait(128)) < 12

    def test_of_two_the_larger_is_taken(self):
        picture = Image.new("RGB", (1000, 600), "grey")
        picture.paste(portrait(180), (60, 200))
        picture.paste(portrait(400), (500, 100))
        framing = frame(picture)
        assert framing.faces == 2
        assert abs(framing.square.shift - (700 + 300j)) < 25
        assert framing.image.width == pytest.approx(400, rel=0.08)

    def test_in_a_huge_photograph(self):
        picture = Image.new("RGB", (6000, 5000), "grey")
        picture.paste(portrait(1500), (3000, 2000))
        framing = frame(picture)
        assert abs(framing.square.shift - (3750 + 2750j)) < 90
        assert framing.image.size == (1024, 1024)

    @pytest.mark.parametrize(
        "square",
        [
            Similarity.of_square(128 + 128j, 180),
            Similarity.of_square(128 + 128j, 400),
            Similarity.of_square(128 + 128j, 256, 25),
            Similarity.of_square(190 + 128j, 256),
            Similarity.of_square(128 + 128j, 256, 180),
        ],
    )
    def test_moved_it_is_not_framed(self, square):
        from facevae.align.photograph import Photograph

        assert not is_framed(Photograph(portrait(256)).cut(square, 128))

    def test_a_folder_of_all_kinds(self, tmp_path):
        source, target = tmp_path / "in", tmp_path / "in/out"
        (source / "deeper").mkdir(parents=True)
        wall(portrait())[0].save(source / "deeper/wall.png")
        portrait(128).save(source / "framed.jpg")
        (source / "broken.jpg").write_bytes(b"no image")
        gradient().save(source / "empty.png")
        (source / "notes.txt").write_text("left alone")
        before = (source / "framed.jpg").read_bytes()
        for _ in range(2):  # again, with the results inside the source
            done: list[tuple[int, int]] = []
            report = align_folder(source, target, progress=lambda *n, d=done: d.append(n))
            assert (report.aligned, report.already) == (1, 1)
            assert [name for name, _ in report.failed] == ["broken.jpg", "empty.png"]
            assert report.failed[1][1] == "no face found"
            assert done == [(i, 4) for i in range(1, 5)]
        written = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())
        assert written == ["deeper/wall.png", "framed.jpg"]
        assert (target / "framed.jpg").read_bytes() == before
        assert is_framed(target / "deeper/wall.png")
        assert Image.open(target / "deeper/wall.png").size == (128, 128)
        smaller = align_folder(target, tmp_path / "smaller", size=64)
        assert smaller.already == 2
        assert Image.open(tmp_path / "smaller/framed.jpg").size == (64, 64)


class TestFinding:
    @pytest.mark.parametrize("turn", [0, *finding.TURNS])
    def test_places_in_a_turned_photograph_are_brought_back(self, turn):
        dot = Image.new("L", (200, 120))
        dot.paste(255, (148, 28, 153, 33))  # centre 150.5 30.5
        turned = finding._turned(dot, turn)
        row, column = np.unravel_index(np.asarray(turned).argmax(), turned.size[::-1])
        back = finding._back(dot.size, turned.size, turn)
        assert abs(back(complex(column + 0.5, row + 0.5)) - (150.5 + 30.5j)) < 4

    def test_no_face_is_said_in_one_line(self, tmp_path):
        gradient(300, 200).save(tmp_path / "wall.png")
        with pytest.raises(DataError, match=r"wall\.png: no face found; .*--no-align"):
            frame(tmp_path / "wall.png")

    @pytest.mark.parametrize("size", [(1, 1), (1, 400), (15, 15), (3000, 2)])
    def test_odd_sizes_have_no_face(self, size):
        with pytest.raises(DataError, match="no face found"):
            frame(Image.new("RGB", size, "pink"))

    def test_large_and_central_comes_first(self):
        size = (1000, 600)
        middle = Similarity.of_square(500 + 300j, 200)
        assert _prominence(middle, size) > _prominence(Similarity.of_square(900 + 500j, 220), size)
        assert _prominence(middle, size) < _prominence(Similarity.of_square(600 + 300j, 320), size)


class TestFolder:
    def test_the_photographs_own_folder_is_refused(self, tmp_path):
        gradient().save(tmp_path / "wall.png")
        with pytest.raises(DataError, match="folder of the photographs itself"):
            align_folder(tmp_path, tmp_path / "." / "")

    @pytest.mark.parametrize("name", ["nothing", "empty", "file.png"])
    def test_no_folder_of_images(self, tmp_path, name):
        (tmp_path / "empty").mkdir()
        gradient().save(tmp_path / "file.png")
        with pytest.raises(DataError, match="folder of photographs"):
            align_folder(tmp_path / name, tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def faces(shared_data) -> list[Path]:
    """Framed faces that the network was not trained on."""
    return split(shared_data / "faces/celebahq128")[1][:40]


@pytest.fixture(scope="module")
def photos(shared_data) -> list[Path]:
    return sorted((shared_data / "faces/photos").glob("*.jpg"))[:30]


class TestRealFaces:
    def test_framed_faces_are_left_untouched(self, faces):
        framings = [frame(path) for path in faces]
        kept = [f for f in framings if f.framed_already]
        assert len(kept) >= 0.95 * len(faces)
        for framing, path in zip(framings, faces, strict=True):
            if framing.framed_already:
                assert difference(framing.image, Image.open(path)) == 0

    def test_photographs_are_not_framed_and_then_are(self, photos):
        assert sum(map(is_framed, photos)) <= 1
        framings = [frame(path, 128) for path in photos]
        assert all(framing.image.size == (128, 128) for framing in framings)
        assert sum(is_framed(framing.image) for framing in framings) >= 0.9 * len(photos)

    def test_a_face_turned_and_pasted_somewhere_is_framed_again(self, faces):
        off = []
        for path in faces[:20]:
            picture, truth = wall(Image.open(path), -15)
            off.append((truth.inverse @ frame(picture).square).displacement())
        assert np.median(off) < 0.04
        assert np.quantile(off, 0.9) < 0.08

    def test_a_sideways_photograph_is_set_upright(self, photos):
        photo = Image.open(photos[0])
        upright, sideways = frame(photo, 64), frame(photo.transpose(Image.Transpose.ROTATE_90), 64)
        assert difference(upright.image, sideways.image) < 6

    def test_a_large_photograph_gives_a_large_face(self, photos):
        photo = Image.open(photos[0])
        small = frame(photo)
        large = frame(photo.resize((2500, 2500), Image.Resampling.BICUBIC))
        assert large.square.side == pytest.approx(10 * small.square.side, rel=0.05)
        assert large.image.width == 1024
        assert frame(photo, 32).image.size == (32, 32)
