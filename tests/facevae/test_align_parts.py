"""Alignment's parts: similarities, cutting, training examples, learning."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from portrait import portrait

from facevae.align.geometry import Similarity
from facevae.align.network import SIZE, WEIGHTS, FramingNetwork
from facevae.align.photograph import Photograph
from tools.framing.synthesis import _cut, _source_points, examples, random_similarities
from tools.framing.train import corner_error, split, train

numbers = st.floats(-50, 50)
points = st.builds(complex, numbers, numbers)
factors = st.builds(cmath.rect, st.floats(0.05, 20), st.floats(-math.pi, math.pi))
similarities = st.builds(Similarity, factors, points)


def gradient(width: int = 90, height: int = 70) -> Image.Image:
    """Return a smooth picture without any symmetry: red grows rightwards, green downwards."""
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([red, green, 0 * red + 60], axis=-1).astype(np.uint8))


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


class TestSimilarity:
    @given(similarities, points)
    def test_the_inverse_is_the_way_back(self, s, p):
        assert s.inverse(s(p)) == pytest.approx(p, abs=1e-6)
        assert s(s.inverse(p)) == pytest.approx(p, abs=1e-6)

    @given(similarities, similarities, points)
    def test_a_product_does_the_right_one_first(self, s, t, p):
        assert (s @ t)(p) == pytest.approx(s(t(p)), rel=1e-9, abs=1e-6)

    @given(points, st.floats(0.1, 1000), st.floats(-179, 179))
    def test_a_square_is_as_asked_for(self, centre, side, angle):
        s = Similarity.of_square(centre, side, angle)
        assert s.side == pytest.approx(side)
        assert s.angle == pytest.approx(angle, abs=1e-6)
        corners = s.corners()
        assert sum(corners) / 4 == pytest.approx(centre, abs=1e-6)
        assert abs(corners[1] - corners[0]) == pytest.approx(side)

    def test_a_positive_angle_is_clockwise_where_y_points_down(self):
        corner = Similarity.of_square(0, 2, 90)(1)  # the right side's middle goes to the bottom
        assert corner == pytest.approx(1j)

    @pytest.mark.parametrize(
        ("s", "moved"),
        [
            (Similarity(1, 0), 0),
            (Similarity(1, 0.2), 0.1),
            (Similarity(1.1, 0), 0.1 / math.sqrt(2)),
            (Similarity(-1, 0), math.sqrt(2)),
        ],
    )
    def test_displacement_is_in_parts_of_the_side(self, s, moved):
        assert s.displacement() == pytest.approx(moved)


class TestPhotograph:
    def test_an_upright_square_is_a_crop(self):
        picture = gradient()
        cut = Photograph(picture).cut(Similarity.of_square(40 + 35j, 40), 40)
        assert difference(cut, picture.crop((20, 15, 60, 55))) == 0

    def test_a_square_turned_clockwise_shows_the_picture_turned_back(self):
        picture = gradient()
        cut = Photograph(picture).cut(Similarity.of_square(40 + 35j, 40, 90), 40)
        upright = picture.crop((20, 15, 60, 55)).transpose(Image.Transpose.ROTATE_90)
        assert difference(cut, upright) < 0.01

    @pytest.mark.parametrize("side", [150.0, 200.0, 331.0])
    def test_a_large_square_is_averaged_not_picked(self, side):
        chequers = (np.indices((400, 400)).sum(0) % 2 * 255).astype(np.uint8)
        photograph = Photograph(Image.fromarray(chequers).convert("RGB"))
        cut = np.asarray(photograph.cut(Similarity.of_square(200 + 200j, side, 10), 64))
        assert np.abs(cut.astype(float) - 127.5).max() < 16

    def test_positions_hold_at_every_reduction(self):
        picture = gradient(900, 700)
        for size in (400, 128, 64, 16):
            cut = np.asarray(Photograph(picture).cut(Similarity.of_square(450 + 350j, 400), size))
            assert cut[..., 0].mean() == pytest.approx(127.5, abs=1)
            assert cut[..., 1].mean() == pytest.approx(127.5, abs=1)
            assert np.ptp(cut[size // 2, :, 0]) == pytest.approx(400 / 900 * 255, rel=0.08)

    def test_a_square_far_outside_is_cut_in_little_memory(self):
        cut = Photograph(gradient()).cut(Similarity.of_square(-5000 + 9000j, 20_000, 33), 64)
        assert cut.size == (64, 64)

    @pytest.mark.parametrize("size", [(640, 480), (641, 30), (5000, 3), (1300, 1900)])
    def test_a_reduced_copy_says_by_how_much(self, size):
        copy, factor = Photograph(Image.new("RGB", size)).reduced(640)
        assert max(copy.size) <= 640
        assert copy.size == tuple(max(1, round(side / factor)) for side in size)


class TestSynthesis:
    def test_the_truth_says_where_the_framed_square_lies(self):
        generator = torch.Generator().manual_seed(3)
        drawn = random_similarities(20, generator)
        shown = _source_points(drawn)
        for numbers, point in zip(drawn, shown, strict=True):
            a, b, x, y = numbers.tolist()
            s = Similarity(complex(a, b), complex(x, y))
            row, column = 10, 51
            pixel = complex(2 * (column + 0.5) / SIZE - 1, 2 * (row + 0.5) / SIZE - 1)
            assert complex(*point[row, column].tolist()) == pytest.approx(
                s.inverse(pixel), abs=1e-4
            )

    def test_cutting_keeps_what_is_inside_and_continues_the_rest(self):
        generator = torch.Generator().manual_seed(0)
        asked = _source_points(random_similarities(50, generator))
        given_, outside = _cut(asked, generator)
        assert torch.allclose(given_[~outside], asked[~outside], atol=1e-5)
        assert given_.abs().max() <= 1
        assert outside.any()

    def test_examples_are_reproducible_and_in_range(self):
        images = torch.randint(0, 256, (12, 3, 128, 128), dtype=torch.uint8)
        once, again = (examples(images, torch.Generator().manual_seed(4)) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
        crops, truth, face = once
        assert crops.shape == (12, 3, SIZE, SIZE)
        assert truth.shape == (12, 4)
        assert face.dtype == torch.bool
        assert 0 <= crops.min() <= crops.max() <= 1

    @given(similarities, similarities)
    def test_the_error_is_the_mean_way_of_the_corners(self, s, t):
        rows = torch.tensor(
            [[u.factor.real, u.factor.imag, u.shift.real, u.shift.imag] for u in (s, t)],
            dtype=torch.float64,
        )
        ways = [abs(p - q) for p, q in zip(s.corners(), t.corners(), strict=True)]
        error = corner_error(rows[:1], rows[1:]).item()
        assert error == pytest.approx(sum(ways) / 4 / t.side, rel=1e-6, abs=1e-6)


class TestNetwork:
    def test_untrained_it_says_framed(self):
        answers = FramingNetwork().eval()(torch.rand(2, 3, SIZE, SIZE))
        assert torch.equal(answers, torch.tensor([[1.0, 0, 0, 0, 0]] * 2))

    def test_the_shipped_weights_are_small_and_complete(self):
        from safetensors.torch import load_file

        assert WEIGHTS.stat().st_size < 1_000_000
        names = {n for n in FramingNetwork().state_dict() if not n.endswith("num_batches_tracked")}
        assert set(load_file(WEIGHTS)) == names

    @pytest.mark.slow
    def test_it_learns(self):
        pixels = torch.from_numpy(np.array(portrait(128))).permute(2, 0, 1)
        tints = 0.5 + 0.5 * torch.rand(64, 3, 1, 1, generator=torch.Generator().manual_seed(1))
        faces = (pixels * tints).byte()
        crops, truth, face = examples(faces, torch.Generator().manual_seed(9))
        trained = train(faces, steps=80)
        with torch.inference_mode():
            before = corner_error(FramingNetwork().eval()(crops), truth)[face].mean()
            after = corner_error(trained(crops), truth)[face].mean()
        assert after < 0.75 * before

    def test_a_thousand_are_kept_out_for_good(self, tmp_path):
        for i in range(1020):
            (tmp_path / f"{i:05}.jpg").touch()
        learned, unseen = split(tmp_path)
        assert (len(learned), len(unseen)) == (20, 1000)
        (tmp_path / learned[0].name).unlink()  # another image goes, and the choice stays
        assert split(tmp_path)[1] == unseen
