"""The codec of faces: what an example is, how it is framed, and the way back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from facevae.codec import FaceCodec, make_codec
from vaecore.errors import DataError

RNG = np.random.default_rng(0)


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (height, width, 3), np.uint8))


def test_an_example_of_the_right_size_keeps_every_value(tmp_path: Path) -> None:
    image = noise(64, 64)
    image.save(tmp_path / "a.png")
    x = FaceCodec(64).encode(tmp_path / "a.png")
    assert x.shape == (3, 64, 64)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert torch.equal((x * 255).round().byte(), torch.tensor(np.asarray(image)).permute(2, 0, 1))
    assert torch.equal(FaceCodec(64).encode(image), x)
    assert torch.equal(FaceCodec(64).encode(np.asarray(image)), x)
    assert torch.equal(FaceCodec(64).read(image).x, x[None])


@pytest.mark.parametrize("size", [8, 64, 128])
def test_decoding_undoes_encoding(size: int) -> None:
    codec, image = FaceCodec(size), noise(size, size)
    assert np.array_equal(np.asarray(codec.decode(codec.encode(image))), np.asarray(image))


def test_decoding_rounds_and_clamps() -> None:
    x = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 7.0, float("nan"), 0.5])
    image = FaceCodec(8).decode(x.expand(3, 8, 8))
    assert image.mode == "RGB"
    assert np.asarray(image)[0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 0, 128]
    with pytest.raises(ValueError, match="an example is float"):
        FaceCodec(8).decode(torch.zeros(8, 8, 3))


@pytest.mark.parametrize(("height", "width"), [(64, 100), (101, 64), (64, 65)])
def test_the_central_square_is_taken(height: int, width: int) -> None:
    pixels = np.asarray(noise(height, width))
    top, left = (height - 64) // 2, (width - 64) // 2
    square = pixels[top : top + 64, left : left + 64]
    assert np.array_equal(FaceCodec(64).pixels(Image.fromarray(pixels)), square)


def test_reducing_averages() -> None:
    grain = np.indices((256, 256)).sum(axis=0) % 2 * 255  # a chessboard of single pixels
    pixels = FaceCodec(64).pixels(Image.fromarray(grain.astype(np.uint8))).astype(int)
    assert np.abs(pixels - 127.5).max() <= 2


def test_a_photograph_looks_the_same_at_reduced_scale(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 1600).astype(np.uint8)
    image = Image.fromarray(np.dstack([ramp[None].repeat(1200, 0)] * 3))
    image.save(tmp_path / "a.jpg", quality=95)
    whole = FaceCodec(64).pixels(image).astype(int)
    assert np.abs(FaceCodec(64).pixels(tmp_path / "a.jpg") - whole).max() <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 5)])
def test_small_images_are_enlarged(shape: tuple[int, int]) -> None:
    assert FaceCodec(64).encode(noise(*shape)).shape == (3, 64, 64)


def test_the_configuration_builds_the_codec_again() -> None:
    codec = make_codec(FaceCodec(128).config)
    assert codec.config == {"name": "faces", "size": 128}


@pytest.mark.parametrize("size", [0, 7, 63, 520, -64, 64.0, "64", True, None])
def test_impossible_sizes_are_refused(size: object) -> None:
    with pytest.raises(DataError, match="size must be a multiple of 8 from 8 to 512"):
        make_codec({"name": "faces", "size": size})


@pytest.mark.parametrize("config", [{}, {"name": "drums"}, {"name": "faces", "bars": 2}])
def test_other_configurations_are_refused(config: dict) -> None:
    with pytest.raises(DataError, match="representation"):
        make_codec(config)


def test_a_model_of_another_size_is_refused() -> None:
    FaceCodec(64).check(SimpleNamespace(architecture=SimpleNamespace(size=64)))
    with pytest.raises(ValueError, match="has size 128, the representation 64"):
        FaceCodec(64).check(SimpleNamespace(architecture=SimpleNamespace(size=128)))


def test_an_unusable_item_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(DataError, match=r"a\.jpg: is not an image"):
        FaceCodec().read(tmp_path / "a.jpg")


def test_an_edit_that_burns_many_pixels_is_overdone() -> None:
    origin = torch.full((1, 3, 64, 64), 0.5)
    burnt = origin.repeat(3, 1, 1, 1)
    burnt[1, 0, :9] = 1.2  # 14 %, of one channel
    burnt[2, :, :4] = -0.1  # 6 %
    assert FaceCodec(64).overdone(burnt, origin).tolist() == [False, True, False]
    assert not FaceCodec(64).overdone(burnt[1:2], burnt[1:2]).any()
