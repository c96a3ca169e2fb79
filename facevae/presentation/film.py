"""Films: a morph in motion, as GIF, WebP or MP4."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

COLOURS_FROM = 64
"""Width at which the colours of a GIF's frame are chosen, in pixels."""
MOST_PIXELS = 300_000_000
"""Of all frames of a GIF or WebP together: a thousand of 512 pixels, and some."""


class Enlarged(Sequence["Image.Image"]):
    """Pictures in an order, each enlarged when it is asked for: never all in memory.

    Args:
        pictures: Square ones.
        side: Height and width that they get; None leaves them as they are.
        order: Indices of the pictures; all of them by default.
        shown: Called with the number of each picture that is made, from 1, and that of all.
    """

    def __init__(
        self,
        pictures: Sequence[Image.Image],
        side: int | None,
        order: Sequence[int] | None = None,
        shown: Callable[[int, int], None] = lambda number, count: None,
    ) -> None:
        self.pictures, self.side, self.shown = pictures, side, shown
        self.order = range(len(pictures)) if order is None else order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: Any) -> Any:
        from facevae.presentation.sheet import enlarge

        if isinstance(index, slice):
            return Enlarged(self.pictures, self.side, self.order[index], self.shown)
        picture = self.pictures[self.order[index]]
        self.shown(range(len(self))[index] + 1, len(self))
        return picture if self.side is None else enlarge(picture, self.side)


@dataclass(frozen=True)
class Film:
    """Frames and how long each is shown.

    Attributes:
        frames: Pictures of one size.
        seconds: One per frame.
    """

    frames: Sequence[Image.Image]
    seconds: Sequence[float]

    @classmethod
    def of(
        cls,
        frames: Sequence[Image.Image],
        *,
        fps: float = 12.5,
        hold: float = 0.0,
        stops: Collection[int] = (),
        bounce: bool = False,
    ) -> Film:
        """Return a film that holds some of its frames.

        Args:
            frames: In their order.
            fps: Frames per second.
            hold: Extra seconds for which the frames in `stops` are shown.
            stops: Indices of frames.
            bounce: Append the frames in reverse, without the two ends.
        """
        seconds = [1 / fps + hold * (k in stops) for k in range(len(frames))]
        order = list(range(len(frames)))
        if bounce:
            order += order[-2:0:-1]
        if isinstance(frames, Enlarged):
            chosen: Sequence[Image.Image] = Enlarged(
                frames.pictures, frames.side, order, frames.shown
            )
        else:
            chosen = [frames[k] for k in order]
        return cls(chosen, [seconds[k] for k in order])

    @property
    def length(self) -> float:
        """Length in seconds."""
        return sum(self.seconds)


def check_size(film: Film, side: int, kind: str) -> None:
    """Refuse a film that Pillow would hold in memory as a whole, and that is too large for that."""
    if len(film.frames) * side**2 > MOST_PIXELS:
        raise UsageError(
            f"{len(film.frames):,} frames of {side} pixels are too many for a {kind}: write an "
            ".mp4, or use a smaller --size or fewer --steps"
        )


def write_gif(film: Film, path: Path) -> None:
    """Write a GIF that repeats for ever.

    Each frame has 256 colours of its own, by median cut and two rounds of k-means, and no
    dithering. They are chosen on a quarter of the frame's width, which holds as many colours and is
    16 times as fast: 40.6 dB from the frame itself, where an octree's colours, dithered, are at
    36.5 dB in a file of the same size.
    """
    from PIL import Image

    def few_colours(frame: Image.Image) -> Image.Image:
        few = frame.reduce(max(1, frame.width // COLOURS_FROM))
        palette = few.quantize(256, Image.Quantize.MEDIANCUT, kmeans=2)
        return frame.quantize(palette=palette, dither=Image.Dither.NONE)

    rest = map(few_colours, film.frames[1:])
    first = film.frames[0]
    check_size(film, first.width, "GIF")
    few_colours(first).save(path, "GIF", append_images=rest, **_animated(film))


def write_webp(film: Film, path: Path) -> None:
    """Write an animated WebP that repeats for ever: all colours, an eighth of the GIF's size."""
    check_size(film, film.frames[0].width, "WebP")
    first, *rest = film.frames
    first.save(path, "WEBP", append_images=rest, quality=90, method=4, **_animated(film))


def _animated(film: Film) -> dict[str, Any]:
    """Return Pillow's options of a picture that moves; hundredths of a second, as GIF has them."""
    duration = [max(20, 10 * round(100 * each)) for each in film.seconds]
    return {"save_all": True, "duration": duration, "loop": 0}


def write_mp4(film: Film, path: Path) -> None:
    """Write an MP4 with H.264, which plays everywhere.

    Raises:
        DataError: PyAV is not installed.
    """
    import numpy as np

    from vaecore.film import Picture, check_video
    from vaecore.film import write_mp4 as write

    check_video("write a .gif")
    rate = Fraction(1 / min(film.seconds)).limit_denominator(1000)

    def pictures() -> Iterator[Picture]:
        for frame, seconds in zip(film.frames, film.seconds, strict=True):
            picture = np.asarray(frame.convert("RGB"))
            for _ in range(max(1, round(seconds * rate))):
                yield picture

    write(path, pictures(), rate)
