"""Films: pictures, with or without sound, as MP4 files that browsers play (H.264 and AAC).

[PyAV](https://pyav.basswood-io.com) encodes them; its wheels contain FFmpeg with x264. One picture
is in memory at a time. Equal input gives equal bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vaecore.errors import DataError

Picture = npt.NDArray[np.uint8]
ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""Video encoders in order of preference; PyAV's wheels have the first."""
BIT_RATE = 192_000
"""Bit rate of the sound, in bits per second."""
_BLOCK = 1024  # samples of a frame of AAC
_BT709 = 1  # the colours of HDTV, in the tables of the standard
_LIMITED = 1  # brightness from 16 to 235, as players expect it


class Sound(NamedTuple):
    """The sound of a film.

    Attributes:
        samples: `(2, n)`, floats; full scale is 1. An array, or an object with a `shape` that
            reads the array of `[:, first:last]` from a file.
        rate: Samples per second.
    """

    samples: Any
    rate: int


def check_video(instead: str) -> None:
    """Check that MP4 files can be written.

    Args:
        instead: What to do without PyAV, for the message ("write a .mid").

    Raises:
        DataError: PyAV is not installed.
    """
    try:
        import av  # noqa: F401
    except ImportError as error:
        remedy = f"pip install 'seqvae[video]', or {instead}"
        raise DataError("an MP4 needs PyAV", remedy=remedy) from error


def write_mp4(
    path: str | os.PathLike[str],
    pictures: Iterable[Picture],
    rate: Fraction,
    sound: Sound | None = None,
    *,
    quality: int = 16,
    preset: str = "slow",
) -> None:
    """Write a film.

    Args:
        path: The file.
        pictures: One per frame, uint8 `(height, width, 3)`, all of one size; odd sizes lose their
            last row or column. Repeated frames should be the same object: it is converted once.
        rate: Frames per second.
        sound: Starts with the first frame; may be longer or shorter than the pictures.
        quality: x264's constant rate factor, 0 (best) to 51; 18 counts as indistinguishable.
        preset: x264's preset, from "ultrafast" to "veryslow".
    """
    import av

    codec = next(name for name in ENCODERS if name in av.codecs_available)
    with av.open(os.fspath(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        video = film.add_stream(codec, rate=rate)
        video.pix_fmt = "yuv420p"  # the format that all players support; it needs even sizes
        context = video.codec_context
        context.thread_count = 1  # with more, the bytes differ from run to run
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        if codec == "libx264":
            video.options = {"crf": str(quality), "preset": preset}
        audio = _Audio(film, sound) if sound is not None else None
        for number, frame in enumerate(_converted(pictures)):
            if number == 0:
                video.width, video.height = frame.width, frame.height
            frame.pts, frame.time_base = number, 1 / rate
            if audio is not None:  # interleaved, so that neither is buffered for the other
                audio.write(until=float(number / rate))
            film.mux(video.encode(frame))
        if audio is not None:
            audio.end()
        film.mux(video.encode())


def _converted(pictures: Iterable[Picture]) -> Iterator[Any]:
    """Yield pictures as the encoder takes them."""
    import av
    from av.video.reformatter import Colorspace, VideoReformatter

    # Later versions of PyAV start threads for each picture, which takes longer than the work.
    has_threads = "threads" in (VideoReformatter.reformat.__doc__ or "")
    alone: dict[str, Any] = {"threads": 1} if has_threads else {}
    before, frame = None, None
    for picture in pictures:
        if picture is not before:
            height, width = (side // 2 * 2 for side in picture.shape[:2])
            before = picture
            plain = np.ascontiguousarray(picture[:height, :width])
            frame = av.VideoFrame.from_ndarray(plain, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, **alone
            )
        yield frame


class _Audio:
    """The audio track of a film that is being written."""

    def __init__(self, film: Any, sound: Sound) -> None:
        self._film, self._sound, self._done = film, sound, 0
        self._stream = film.add_stream("aac", rate=sound.rate, layout="stereo")
        self._stream.bit_rate = BIT_RATE

    def write(self, until: float) -> None:
        """Write the sound up to a time in seconds."""
        import av

        samples, rate = self._sound
        while self._done < min(until * rate, samples.shape[1]):
            block = np.zeros((2, _BLOCK), np.float32)
            part = samples[:, self._done : self._done + _BLOCK]
            block[:, : part.shape[1]] = part
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = rate, self._done
            frame.time_base = Fraction(1, rate)
            self._film.mux(self._stream.encode(frame))
            self._done += _BLOCK

    def end(self) -> None:
        """Write the rest."""
        self.write(float("inf"))
        self._film.mux(self._stream.encode())
