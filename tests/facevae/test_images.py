"""Images of any manners: what comes out is upright 8-bit RGB, or one line that says why not."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from facevae.images import from_array, read_image
from vaecore.errors import DataError
from vaecore.reading import IMAGE

RNG = np.random.default_rng(0)


def gradient(width: int = 40, height: int = 30) -> Image.Image:
    """Return a smooth picture without any symmetry: red grows rightwards, green downwards."""
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([red, green, np.full_like(red, 60)], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def difference(a: Image.Image, b: Image.Image) -> float:
    """Return the largest difference of two pictures of the same size, in grey levels."""
    assert a.mode == b.mode == "RGB"
    assert a.size == b.size
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max())


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def blank_png(path: Path, width: int, height: int) -> Path:
    """Write a valid black PNG of any size at once: its rows are one packed block, repeated."""
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(bytes(100 * (1 + 3 * width))) + packer.flush(zlib.Z_FULL_FLUSH)
    size = height * (1 + 3 * width)
    checksum = struct.pack(">I", size % 65_521 << 16 | 1)  # Adler-32 of zeros
    data = b"\x78\x01" + block * (height // 100) + b"\x03\x00" + checksum
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_the_blank_pictures_of_these_tests_are_valid(tmp_path: Path) -> None:
    assert (
        difference(read_image(blank_png(tmp_path / "a.png", 70, 300)), Image.new("RGB", (70, 300)))
        == 0
    )


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "tiff", "ppm", "jpg", "avif"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    lossless = {"webp": {"lossless": True}, "jpg": {"quality": 98, "subsampling": 0}}
    gradient().save(path, **lossless.get(suffix, {}))
    assert difference(read_image(path), gradient()) <= (8 if suffix in ("jpg", "avif") else 0)
    assert difference(read_image(str(path)), read_image(path)) == 0


def test_the_ending_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    gradient().save(path, format="PNG")
    assert difference(read_image(path), gradient()) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_orientation_is_undone(tmp_path: Path, orientation: int, suffix: str) -> None:
    # What a camera stores for each orientation, so that undoing it gives the gradient.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](np.asarray(gradient()))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    options = {"quality": 98, "subsampling": 0} if suffix == "jpg" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)
    assert difference(read_image(path), gradient()) <= 8
    with Image.open(path) as opened:
        assert difference(read_image(opened), gradient()) <= 8


def test_garbled_exif_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    gradient().save(path, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff" + bytes(range(40)))
    assert read_image(path).size == (40, 30)


@pytest.mark.parametrize("mode", ["1", "L", "P", "YCbCr", "HSV", "CMYK", "RGBX"])
def test_modes_without_transparency(mode: str) -> None:
    image = gradient().convert(mode)
    assert difference(read_image(image), image.convert("RGB")) == 0


def test_cmyk_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    gradient().convert("CMYK").save(path, quality=98)
    with Image.open(path) as opened:
        assert opened.mode == "CMYK"
    assert difference(read_image(path), gradient()) <= 10


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_grey(tmp_path: Path, suffix: str) -> None:
    levels = np.linspace(0, 65_535, 1200).reshape(30, 40).astype(np.uint16)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(levels).save(path)
    found = np.asarray(read_image(path))
    assert np.array_equal(found, (levels >> 8).astype(np.uint8)[..., None].repeat(3, axis=2))
    assert found.min() == 0
    assert found.max() == 255


@pytest.mark.parametrize("white", [1.0, 255.0, 65_535.0])
def test_floating_point_grey(tmp_path: Path, white: float) -> None:
    levels = np.linspace(0, white, 1200).reshape(30, 40).astype(np.float32)
    levels[0, 0] = np.nan
    path = tmp_path / "a.tiff"
    Image.fromarray(levels).save(path)
    found = np.asarray(read_image(path), float)
    assert np.abs(found[..., 0] - np.nan_to_num(levels) * 255 / white).max() <= 0.51


def test_32_bit_grey() -> None:
    image = Image.fromarray(np.array([[0, 32_768, 65_535, -5]], np.int32))
    assert np.asarray(read_image(image))[0, :, 1].tolist() == [0, 128, 255, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, :, 3] = 255  # a black line above nothing
    image = Image.fromarray(pixels)
    if mode == "PA":
        alpha, image = image.getchannel("A"), Image.new("P", image.size)
        image.putalpha(alpha)
    elif mode != "RGBA":
        image = image.convert("LA").convert(mode)
    assert image.mode == mode
    found = np.asarray(read_image(image))
    assert not found[0].any()
    assert (found[1] == 255).all()


def test_half_transparency_is_half_white() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert np.asarray(read_image(image))[0, 0].tolist() == [255, 127, 127]


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff"])
def test_palette_with_transparency(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    path = tmp_path / "a.png"
    image.save(path, transparency=transparency)
    with Image.open(path) as opened:
        assert opened.mode == "P"
    found = np.asarray(read_image(path))[0].tolist()
    assert found == [[10, 20, 30], [255, 255, 255], [70, 80, 90]]


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_of_an_animation_comes_the_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as opened:
        assert opened.n_frames == 3
    assert difference(read_image(path), frames[0]) == 0


def test_a_colour_profile_does_no_harm(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gradient().save(tmp_path / "a.png", icc_profile=profile)
    assert difference(read_image(tmp_path / "a.png"), gradient()) == 0


def test_large_jpegs_are_read_at_a_smaller_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    gradient(800, 600).save(path)
    assert read_image(path).size == (800, 600)
    assert read_image(path, at_least=150).size == (200, 150)
    assert read_image(path, at_least=151).size == (400, 300)
    assert read_image(path, at_least=2000).size == (800, 600)


def test_the_source_is_left_alone() -> None:
    image = gradient()
    copy = read_image(image)
    copy.putpixel((0, 0), (1, 2, 3))
    assert difference(image, gradient()) == 0


def test_arrays() -> None:
    pixels = np.asarray(gradient())
    assert difference(from_array(pixels), gradient()) == 0
    assert difference(read_image(pixels / 255), gradient()) == 0
    assert difference(read_image(pixels[..., :1]), read_image(gradient().getchannel("R"))) == 0
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    assert difference(read_image(opaque), gradient()) == 0


@pytest.mark.parametrize(
    "array",
    [np.zeros(5, np.uint8), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 2), np.uint8),
     np.zeros((4, 4), np.int64), np.full((4, 4), 1.5), np.full((4, 4), np.nan), object(), None],
)  # fmt: skip
def test_what_is_no_image_is_refused(array: object) -> None:
    with pytest.raises(DataError):
        read_image(array)


def broken(kind: str, folder: Path) -> Path:
    """Write an unusable file of a kind."""
    path = folder / f"{kind.replace(' ', '_')}.jpg"
    if kind == "text":
        path.write_text("this is not an image\n" * 50)
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "truncated jpeg":
        Image.fromarray(RNG.integers(0, 255, (128, 128, 3), np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:-2000])
    elif kind == "truncated png":
        Image.fromarray(RNG.integers(0, 255, (64, 64, 3), np.uint8)).save(path, format="PNG")
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "truncated gif":
        Image.fromarray(RNG.integers(0, 255, (64, 64), np.uint8)).save(path, format="GIF")
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "jpeg header":
        gradient().save(path)
        path.write_bytes(path.read_bytes()[:30])
    elif kind == "postscript":
        path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    elif kind == "huge png":
        blank_png(path, 30_000, 30_000)
    elif kind == "large png":  # where Pillow only warns
        blank_png(path, 10_000, 10_000)
    elif kind == "huge file":
        with path.open("wb") as file:
            file.truncate(IMAGE.most + 1)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "does not exist; check the name"),
        ("folder", "is a folder; name a file in it"),
        ("pipe", "is not a regular file; copy"),
        ("empty", "is empty; get it"),
        ("text", "is not an image that can be read; give a JPEG"),
        ("jpeg header", "is truncated; get the file again"),
        ("postscript", "is not an image that can be read"),
        ("truncated jpeg", "is truncated; get the file again"),
        ("truncated png", "is truncated; get the file again"),
        ("truncated gif", "is truncated; get the file again"),
        ("huge png", "is larger than 64 megapixels; make it smaller"),
        ("large png", "is larger than 64 megapixels (10,000 x 10,000); make it smaller"),
        ("huge file", "is too large (500 MB; at most 500 MB are read)"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_unusable_files_give_one_line(tmp_path: Path, kind: str, message: str) -> None:
    path = broken(kind, tmp_path)
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        read_image(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
    assert peak < 20_000_000


def test_a_huge_png_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import resource

    path = blank_png(tmp_path / "a.png", 30_000, 30_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError):
        read_image(path)
    # Kilobytes; the decoded image would be 3.6 million of them.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_no_garbled_file_gives_anything_but_an_image_or_one_line(tmp_path: Path) -> None:
    originals = []
    for suffix in ("jpg", "png", "gif", "webp", "tiff", "bmp"):
        path = tmp_path / f"whole.{suffix}"
        gradient().save(path)
        originals.append((suffix, path.read_bytes()))
    outcomes: list[Image.Image | str] = []
    for _ in range(50):
        for suffix, whole in originals:
            data = bytearray(whole)
            for at in RNG.integers(0, len(data), 4):
                data[at] = RNG.integers(0, 256)
            path = tmp_path / f"garbled.{suffix}"
            path.write_bytes(data[: RNG.integers(1, len(data) + 1)])
            try:
                outcomes.append(read_image(path))
            except DataError as error:
                outcomes.append(str(error))
    problems = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert 100 < len(problems) < len(outcomes)
    assert not any("\n" in problem for problem in problems)
