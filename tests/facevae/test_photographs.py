"""Photographs as users have them: turned by the camera, of several people, of no face at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from portrait import portrait

from facevae.align import align_folder, frame, is_framed
from facevae.align.geometry import Similarity
from facevae.align.photograph import Photograph
from facevae.cli import command
from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.images import read_image
from vaecore.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/cases/faces"
ADA = ROOT / "data/ada.png"
TURNED = sorted(CASES.glob("framed_exif*.jpg"))
T = Image.Transpose
STORED = {
    1: None, 2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE,
    6: T.ROTATE_90, 7: T.TRANSVERSE, 8: T.ROTATE_270,
}  # fmt: skip
"""How a camera stores a picture with each EXIF orientation."""
CHARTS = [
    "form.png", "interpolation_melody.png", "rock_to_bossa.png", "tradeoff_drums.png",
    "lecture/latent.png", "lecture/performance.png",
]  # fmt: skip
"""Charts of the documentation that were once taken for faces, most of them."""


def pixels(image: Image.Image | Path) -> np.ndarray:
    if isinstance(image, Path):
        image = Image.open(image)
    return np.asarray(image.convert("RGB"), float)


def apart(a: Image.Image | Path, b: Image.Image | Path) -> float:
    """Return the mean difference of two pictures of one size, 0 to 255."""
    return float(np.abs(pixels(a) - pixels(b)).mean())


def store(image: Image.Image, orientation: int, path: Path) -> Path:
    """Write an upright picture as a camera that was held otherwise writes it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED[orientation]
    (image if turn is None else image.transpose(turn)).save(path, exif=exif, lossless=True)
    return path


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


class TestOrientation:
    @pytest.fixture
    def ada(self) -> Image.Image:
        return Image.open(ADA).convert("RGB")

    def test_cases_are_four_ways_to_store_one_face(self):
        assert len(TURNED) == 4
        for path in TURNED:
            small = read_image(path).resize((64, 64), Image.Resampling.BOX)
            assert apart(small, ADA) < 6, path.name  # turned wrongly it is 15 and more

    @pytest.mark.parametrize("orientation", STORED)
    @pytest.mark.parametrize("suffix", [".png", ".webp"])
    def test_it_is_applied_once_however_often_a_picture_is_read(
        self, orientation, suffix, ada, tmp_path
    ):
        image = read_image(store(ada, orientation, tmp_path / f"stored{suffix}"))
        for _ in range(3):
            assert apart(image, ada) == 0
            image = read_image(image)
        image.save(tmp_path / f"again{suffix}", lossless=True)
        assert apart(read_image(tmp_path / f"again{suffix}"), ada) == 0

    @pytest.mark.parametrize("orientation", STORED)
    def test_it_is_applied_once_on_every_way_in(self, orientation, ada, tmp_path):
        path = store(ada, orientation, tmp_path / "stored.png")
        opened = Image.open(path)
        for source in (path, str(path), opened, read_image(path)):
            framing = frame(source)
            assert framing.framed_already
            assert apart(framing.image, ada) == 0
        codec = FaceCodec(64)
        truth = codec.encode(ada)
        for item in (path, opened, read_image(path), frame(path).image):
            assert codec.encode(item).equal(truth)
        assert codec.encode_image(read_image(path)).equal(truth)
        folder = FaceFolder(tmp_path, codec)  # what training reads
        assert np.array_equal(folder.pixels(0), codec.pixels(ada))
        align_folder(tmp_path, tmp_path / "out", size=64)
        assert apart(Image.open(tmp_path / "out/stored.png"), ada) == 0  # without its EXIF

    @pytest.mark.parametrize("how", [[], ["--no-align"]])
    def test_the_command_line_gives_all_eight_alike(
        self, how, ada, boxed_faces, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        paths = [store(ada, n, tmp_path / f"{n}.png") for n in STORED]
        run("reconstruct", *paths, *how, "-o", "kept", "-q")
        kept = sorted(Path("kept").iterdir())
        assert len(kept) == 8
        assert [apart(one, kept[0]) for one in kept] == [0] * 8

    def test_photographs_are_framed_alike(self, shared_data, tmp_path):
        for path in sorted((shared_data / "faces/photos").glob("*.jpg"))[::80]:
            image = read_image(path)
            first = frame(image, 64).image
            for n in STORED:
                stored = store(image, n, tmp_path / f"{n}.png")
                assert apart(frame(stored, 64).image, first) == 0


class TestNoFace:
    def test_the_case_of_a_texture(self):
        with pytest.raises(DataError, match=r"texture_no_face_0\.jpg: no face found; .*--no-align"):
            frame(CASES / "texture_no_face_0.jpg")
        assert not is_framed(CASES / "texture_no_face_0.jpg")

    @pytest.mark.parametrize("name", CHARTS)
    def test_charts_of_this_project(self, name):
        with pytest.raises(DataError, match="no face found"):
            frame(ROOT / "docs" / name)

    def test_a_morph_of_a_chart_is_refused_in_one_line(self, boxed_faces, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        chart = ROOT / "docs/tradeoff_drums.png"
        (line,) = run("morph", chart, ADA, code=1).stderr.splitlines()
        assert "tradeoff_drums.png: no face found; give a photograph of one face" in line
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_textures_are_none(self):
        from benchmarks.photographs import generated

        wrong = 0
        for image in [*generated(seed=1)][::15]:
            try:
                frame(image, 64)
            except DataError:
                continue
            wrong += 1
        assert wrong == 0

    def test_unaligned_it_says_what_to_expect(self, boxed_faces, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        wall = Image.new("RGB", (400, 300), "grey")
        wall.paste(portrait(128), (200, 100))
        wall.save("wall.png")
        text = run("reconstruct", "wall.png", ADA, "--no-align").stdout
        assert "wall.png  not framed as the model's faces are: expect a blurred mixture" in text
        assert text.count("not framed") == 1
        facts = json.loads(run("reconstruct", "wall.png", "--no-align", "--json").stdout)
        assert facts["windows"][0]["inputs"][0]["framed"] is False


class TestSeveralFaces:
    @pytest.fixture
    def couple(self, tmp_path, monkeypatch) -> Path:
        """Two faces of the example pictures: a small one on the left, a large one on the right."""
        monkeypatch.chdir(tmp_path)
        picture = Image.new("RGB", (1000, 600), (90, 110, 130))
        for name, side, corner in (("bob", 220, (80, 200)), ("ada", 400, (500, 100))):
            face = Image.open(ROOT / f"data/{name}.png").convert("RGB").resize((side, side))
            picture.paste(face, corner)
        picture.save("couple.png")
        return Path("couple.png")

    def test_they_are_counted_from_the_left(self, couple):
        taken = frame(couple)
        assert (taken.faces, taken.number) == (2, 2)  # the larger
        left, right = frame(couple, 128, face=1), frame(couple, 128, face=2)
        assert left.square.shift.real < 400 < right.square.shift.real
        assert (left.number, right.number) == (1, 2)
        assert apart(frame(couple, 128).image, right.image) == 0

    def test_the_one_taken_is_named_and_another_can_be(self, couple, boxed_faces):
        assert "aligned, face 2 of 2 from the left" in run("reconstruct", couple).stdout
        facts = json.loads(run("reconstruct", couple, "--face", 1, "--json").stdout)
        (taken,) = facts["windows"][0]["inputs"]
        assert (taken["face"], taken["faces"]) == (1, 2)

    def test_a_morph_from_one_to_the_other(self, couple, boxed_faces):
        run("morph", couple, couple, "--face", 1, "--face", 2, "--steps", 3, "-o", "steps")
        run("morph", couple, couple, "--steps", 3, "-o", "same")
        first, last = Path("steps/frame_01.png"), Path("steps/frame_03.png")
        assert apart(first, last) > 3
        assert apart(last, Path("same/frame_01.png")) == 0

    def test_one_that_is_not_there(self, couple, boxed_faces):
        (line,) = run("reconstruct", couple, "--face", 3, code=1).stderr.splitlines()
        assert "couple.png: only 2 faces found, so there is no face 3; count from the left" in line
        (line,) = run("reconstruct", ADA, "--face", 2, code=1).stderr.splitlines()
        assert "ada.png: only one face found" in line

    @pytest.mark.parametrize(
        "arguments", [["--face", 0], ["--face", 1, "--face", 1], ["--face", 1, "--no-align"]]
    )
    def test_wrong_uses(self, couple, boxed_faces, arguments):
        run("reconstruct", couple, *arguments, code=2)


class TestEdges:
    def test_what_is_near_the_edge_appears_once(self):
        picture = np.full((100, 100, 3), 90, np.uint8)
        picture[40:60, 8:16] = 255  # an eye, eight pixels from the edge
        cut = Photograph(Image.fromarray(picture)).cut(Similarity.of_square(20 + 50j, 100), 100)
        values = pixels(cut)[..., 0]
        assert values[50, 40] > 240  # 30 pixels of the result are outside
        assert np.abs(values[:, :30] - 90).max() < 8  # its ghost would have 165

    def test_a_streak_at_the_edge_becomes_hazy(self):
        picture = np.full((100, 100, 3), 90, np.uint8)
        picture[48:52] = 255
        cut = Photograph(Image.fromarray(picture)).cut(Similarity.of_square(20 + 50j, 100), 100)
        values = pixels(cut)[..., 0]
        assert values[50, 40] > 240
        assert values[50, 5] < 160
