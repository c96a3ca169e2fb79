"""Reading images of any format, mode, size and orientation, or refusing them with one clear error.

The files are other people's: they may be broken, mislabelled, huge or malicious. A file is opened
only by the decoders of `FORMATS`, is refused for the size in its header before it is decoded, and
never causes a warning or a traceback of the decoder.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from vaecore.errors import DataError
from vaecore.reading import IMAGE, open_file

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm",
    ".pgm", ".avif",
)  # fmt: skip
"""File name endings that folders are searched for; a file that is named itself may have any."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM"), ("WEBP", "TIFF", "AVIF")
"""Pillow's decoders that may open a file: those it loads anyway, and those loaded when needed.

Others are left out on purpose: EPS, for one, is a program that Pillow hands to Ghostscript.
"""

MOST_PIXELS = 64_000_000
"""An image that decodes to more pixels is refused: at four bytes each, and as many for a copy in
another mode, this is half a gigabyte."""


_KINDS = "give a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF image"
_BROKEN = "get the file again, or leave it out"


def read_image(source: Any, at_least: int | None = None) -> Image.Image:
    """Return an image as 8-bit RGB, upright.

    The EXIF orientation is honoured. Transparency is laid over white, 16-bit and floating-point
    grey is scaled to 8 bits, CMYK is converted; of an animation comes the first frame.

    Args:
        source: A path; or a PIL image; or an array as of `from_array`.
        at_least: A JPEG may be decoded at a half, a quarter or an eighth of its size if neither
            side gets shorter than this many pixels; far faster for photographs.

    Returns:
        An image of mode RGB; never `source` itself.

    Raises:
        DataError: The source cannot be used; the message names the file, the reason, the remedy.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes and metadata; both are checked below
        if not _is_path(source):
            return _upright(source) if isinstance(source, Image.Image) else from_array(source)
        try:
            with open_image(source) as image:
                if at_least is not None:
                    image.draft(None, (at_least, at_least))
                return _upright(image, source)
        except Image.DecompressionBombError as error:  # Pillow's own limit, at 179 megapixels
            raise _too_large(source) from error


def from_array(array: Any) -> Image.Image:
    """Return an image of an array: uint8 in 0..255, or floating point in [0, 1].

    Args:
        array: `(height, width)` grey, or `(height, width, channels)` with 1 (grey), 3 (RGB) or
            4 (RGBA) channels; what numpy can make an array of.

    Raises:
        DataError: It has another shape, type or range.
    """
    import numpy as np
    from PIL import Image

    try:
        found = np.asarray(array)
    except (ValueError, TypeError) as error:
        raise DataError("is no image, path or array", path=type(array).__name__) from error
    name = f"array {found.dtype} {found.shape}"
    if found.ndim == 3 and found.shape[2] == 1:
        found = found[..., 0]
    if 0 in found.shape or not (found.ndim == 2 or (found.ndim == 3 and found.shape[2] in (3, 4))):
        remedy = "give (height, width), (height, width, 3) or (height, width, 4)"
        raise DataError("is no image", path=name, remedy=remedy)
    if found.dtype.kind == "f":
        if not (np.nanmin(found) >= 0 and np.nanmax(found) <= 1) or np.isnan(found).any():
            raise DataError(
                "has values outside [0, 1]", path=name, remedy="scale it, or give uint8"
            )
        found = np.rint(found * 255).astype(np.uint8)
    if found.dtype != np.uint8:
        raise DataError("is no image", path=name, remedy="give uint8, or floats in [0, 1]")
    return _flat(Image.fromarray(np.ascontiguousarray(found)))


def central_square(image: Image.Image) -> Image.Image:
    """Return the largest square in the middle of an image."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.width == image.height:
        return image
    return image.crop((left, top, left + side, top + side))


def resized(image: Image.Image, side: int) -> Image.Image:
    """Return a square image with `side` pixels a side."""
    from PIL.Image import Resampling

    return image if image.width == side else image.resize((side, side), Resampling.BICUBIC)


def _is_path(source: Any) -> bool:
    return isinstance(source, str | os.PathLike)


@contextmanager
def open_image(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Yield an image of which only the header was read; DataError if it cannot be opened."""
    with open_file(path, IMAGE) as file, _begun(file, path) as image:
        yield image


def _begun(file: IO[bytes], path: str | os.PathLike[str]) -> Image.Image:
    """Return an image of a file that was opened; its name is for messages alone."""
    from PIL import Image, UnidentifiedImageError

    Image.preinit()
    try:
        try:
            return Image.open(file, formats=FORMATS[0])
        except UnidentifiedImageError:
            return Image.open(file, formats=_further())
    except UnidentifiedImageError as error:
        raise DataError("is not an image that can be read", path=path, remedy=_KINDS) from error
    except Image.DecompressionBombError:
        raise
    except Exception as error:  # decoders answer hostile headers with any exception
        if isinstance(error, OSError) and error.errno is not None:
            raise _unreadable(error, path) from error
        raise _broken(error, path) from error


def _further() -> tuple[str, ...]:
    """Return those of the further decoders that this Pillow has, loaded."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS[1] if name in Image.OPEN)


def _upright(image: Image.Image, path: str | os.PathLike[str] | None = None) -> Image.Image:
    """Decode an image, and return it in RGB with its orientation applied."""
    from PIL.Image import Transpose

    path = path or getattr(image, "filename", None) or "image"
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise _too_large(path, f" ({width:,} x {height:,})")
    try:
        image.load()
        flat = _flat(image)
        turn = _TURNS.get(orientation(image) or 1)
        upright = flat.transpose(Transpose[turn]) if turn else flat
        # Whoever reads the result again, or saves it, would apply the orientation a second time.
        for key in _ORIENTING & upright.info.keys():
            del upright.info[key]
        return upright
    except MemoryError as error:
        problem = "needs more memory than there is"
        raise DataError(problem, path=path, remedy="make it smaller") from error
    except Exception as error:  # decoders answer broken files with any exception
        raise _broken(error, path) from error


_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF orientation to the name of Pillow's operation that undoes it."""


_ORIENTING = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Where Pillow keeps and finds an orientation."""


def orientation(image: Image.Image) -> int | None:
    """Return the EXIF orientation, if it can be read."""
    try:
        return image.getexif().get(0x0112)
    except Exception:  # the picture may be usable where its metadata are not
        return None


def _flat(image: Image.Image) -> Image.Image:
    """Return a copy in 8-bit RGB."""
    from PIL import Image

    if image.mode[0] in "IF":
        image = Image.fromarray(_eight_bits(image))
    elif image.mode == "La":  # Pillow knows this one way out of it
        image = image.convert("LA")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    below = Image.new("RGB", image.size, "white")
    below.paste(image, mask=image.getchannel("A"))
    return below


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Return an image of deep grey values as uint8 `(height, width)`.

    White is 65,535 in 16 bits. For 32 bits and floating point it is not defined: it is taken as the
    first of the usual values (1 for fractions, 255, 65,535, the largest integer) that no pixel
    exceeds.
    """
    import numpy as np

    values = np.asarray(image)
    if values.dtype.itemsize == 2:
        return (values >> 8).astype(np.uint8)
    values = np.nan_to_num(values.astype(np.float32))
    highest = values.max()
    whites = (*((1.0,) if image.mode == "F" else ()), 255.0, 65_535.0, 2.0**31)
    white = next((white for white in whites if highest <= white), highest)
    scaled: np.ndarray = values.clip(0, white) * (255 / white) + 0.5
    return scaled.astype(np.uint8)


def _too_large(path: str | os.PathLike[str], size: str = "") -> DataError:
    problem = f"is larger than {MOST_PIXELS / 1e6:.0f} megapixels{size}"
    return DataError(problem, path=path, remedy="make it smaller")


def _unreadable(error: Exception, path: str | os.PathLike[str]) -> DataError:
    problem = f"cannot be read ({(getattr(error, 'strerror', None) or str(error)).lower()})"
    return DataError(problem, path=path, remedy="check the name and its rights")


def _broken(error: Exception, path: str | os.PathLike[str]) -> DataError:
    text = " ".join(str(error).split())[:100]
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return DataError("is truncated", path=path, remedy=_BROKEN)
    reason = text or type(error).__name__
    return DataError(f"is a broken image ({reason})", path=path, remedy=_BROKEN)
