"""Pictures without a face: generated ones, and windows of pictures, for the judges to learn from.

generated   noise of many kinds, gratings, shapes, writing, charts
windows     squares of real pictures, at random places, and where the framing network converges
            from there: these look most like a face
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from facevae.align.framing import UNLIKELY, correct
from facevae.align.geometry import Similarity
from facevae.align.photograph import Photograph

SIDE = 96
"""Side of a window, in pixels."""


def generated(random: np.random.Generator, side: int = 256) -> Image.Image:
    """Return a picture of noise, a texture, shapes, writing or a chart; never a face."""
    kinds: Sequence[Callable[[np.random.Generator, int], Image.Image]] = (
        _fractal, _fractal, _fractal, _smooth, _grating, _cells, _shapes, _writing, _chart, _mixed,
    )  # fmt: skip
    return kinds[random.integers(len(kinds))](random, side)


def windows(
    image: Image.Image, count: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield squares of a picture, uint8 `(SIDE, SIDE, 3)`, and whether each looks like a face.

    Args:
        image: RGB, without a face.
        count: Number of random places; each is yielded as it is, and again after the framing
            network has corrected it, if that takes it for a face.
        random: Source of randomness.
    """
    photograph = Photograph(image)
    shorter = min(image.size)
    squares = []
    for _ in range(count):
        side = float(np.exp(random.uniform(np.log(min(24, shorter / 2)), np.log(1.2 * shorter))))
        centre = complex(*(random.uniform(0, length) for length in image.size))
        angle = random.choice([random.normal(0, 15), random.uniform(-180, 180)])
        squares.append(Similarity.of_square(centre, side, float(angle)))
    for square in squares:
        yield np.asarray(photograph.cut(square, SIDE)), False
    for square, logit in correct(photograph, squares):
        if logit > UNLIKELY:
            yield np.asarray(photograph.cut(square, SIDE)), True


def pool(
    pictures: Sequence[Image.Image], count: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return windows of pictures and of generated ones (a third), `(n, 3, SIDE, SIDE)` uint8.

    Args:
        pictures: RGB, without a face.
        count: About how many windows.
        seed: Seed of the choice.

    Returns:
        The windows, and which of them the framing network takes for a face, `(n,)` bool.
    """
    random = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    alike: list[bool] = []
    while len(found) < count:
        if random.random() < 1 / 3:
            image = generated(random, int(random.choice([96, 160, 256, 400])))
        else:
            image = pictures[random.integers(len(pictures))]
        for window, like in windows(image, 12, random):
            found.append(window)
            alike.append(like)
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2), torch.tensor(alike)


def _image(values: np.ndarray) -> Image.Image:
    """Return an image of values in any range, `(h, w)` or `(h, w, 3)`."""
    low, high = values.min(), values.max()
    return Image.fromarray((255 * (values - low) / (high - low + 1e-9)).astype(np.uint8)).convert(
        "RGB"
    )


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _tinted(grey: np.ndarray, random: np.random.Generator) -> Image.Image:
    """Return grey values on a line from one colour to another."""
    low, high = random.uniform(0, 1, (2, 3))
    value = (grey - grey.min()) / (np.ptp(grey) + 1e-9)
    return Image.fromarray((255 * (low + value[..., None] * (high - low))).astype(np.uint8))


def _spectrum(random: np.random.Generator, side: int, power: float) -> np.ndarray:
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None]
    radius = np.hypot(fy * np.exp(random.normal(0, 0.4)), fx)
    radius[0, 0] = 1
    noise = np.fft.fft2(random.normal(size=(side, side)))
    field: np.ndarray = np.fft.ifft2(noise / radius**power).real
    return field


def _fractal(random: np.random.Generator, side: int) -> Image.Image:
    power = random.uniform(0, 2.6)
    if random.random() < 0.4:
        return _image(np.stack([_spectrum(random, side, power) for _ in range(3)], -1))
    field = _spectrum(random, side, power)
    if random.random() < 0.3:
        field = np.abs(field - np.median(field))  # ridges
    if random.random() < 0.3:
        field = np.tanh(field / field.std() * random.uniform(1, 6))
    return _tinted(field, random) if random.random() < 0.5 else _image(field)


def _smooth(random: np.random.Generator, side: int) -> Image.Image:
    coarse = int(random.integers(2, 24))
    channels = random.choice([1, 3])
    values = random.integers(0, 256, (coarse, coarse, channels)).astype(np.uint8)
    small = Image.fromarray(values.squeeze(-1) if channels == 1 else values).convert("RGB")
    how = random.choice([Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
    return small.resize((side, side), how)


def _grating(random: np.random.Generator, side: int) -> Image.Image:
    y, x = np.mgrid[:side, :side] / side
    field = np.zeros((side, side))
    for _ in range(random.integers(1, 5)):
        turn, waves = random.uniform(0, np.pi), np.exp(random.uniform(0, 3.5))
        if random.random() < 0.3:
            cx, cy = random.uniform(0, 1, 2)
            field += np.sin(6.28 * waves * np.hypot(x - cx, y - cy))
        else:
            field += np.sin(
                6.28 * (waves * (x * np.cos(turn) + y * np.sin(turn)) + random.random())
            )
    return _tinted(np.sign(field) if random.random() < 0.4 else field, random)


def _cells(random: np.random.Generator, side: int) -> Image.Image:
    points = random.uniform(0, side, (random.integers(4, 60), 2))
    y, x = np.mgrid[:side, :side]
    away = np.sqrt(((np.stack([y, x], -1)[:, :, None] - points) ** 2).sum(-1))
    if random.random() < 0.5:
        return _tinted(away.min(-1), random)
    return Image.fromarray(
        random.integers(0, 256, (len(points), 3)).astype(np.uint8)[away.argmin(-1)]
    )


def _shapes(random: np.random.Generator, side: int) -> Image.Image:
    image = Image.new("RGB", (side, side), _colour(random))
    pen = ImageDraw.Draw(image)
    for _ in range(random.integers(3, 60)):
        x, y = random.uniform(-0.2 * side, side, 2)
        w, h = np.exp(random.uniform(np.log(3), np.log(0.7 * side), 2))
        box = [x, y, x + w, y + h]
        kind = random.integers(4)
        if kind == 0:
            pen.ellipse(box, fill=_colour(random))
        elif kind == 1:
            pen.rectangle(box, fill=_colour(random))
        elif kind == 2:
            pen.line(box, _colour(random), int(random.integers(1, 9)))
        else:
            corners = [(x + w * u, y + h * v) for u, v in random.uniform(0, 1, (4, 2))]
            pen.polygon(corners, fill=_colour(random))
    return image.filter(ImageFilter.GaussianBlur(float(random.choice([0, 0.7, 3]))))


def _writing(random: np.random.Generator, side: int) -> Image.Image:
    from PIL import ImageFont

    light = random.random() < 0.7
    image = Image.new("RGB", (side, side), "white" if light else _colour(random))
    pen = ImageDraw.Draw(image)
    size = int(random.integers(7, 48))
    font = ImageFont.load_default(size)
    letters = np.array([*"abcdefghijklmnoprstuvw ABCDEFGH 0123456789 .,:-%()"])
    y = -random.uniform(0, size)
    while y < side:
        text = "".join(random.choice(letters, 2 * side // size))
        pen.text((random.uniform(-9, 9), y), text, "black" if light else _colour(random), font)
        y += size * 1.3
    return image


def _chart(random: np.random.Generator, side: int) -> Image.Image:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        *(int(n) for n in random.integers(1, 4, 2)),
        squeeze=False, figsize=tuple(random.uniform(3, 7, 2)), dpi=side / 4,
    )  # fmt: skip
    kind = int(random.integers(7))
    for axes in panels.flat:
        n = int(random.integers(3, 40))
        colour = random.uniform(0, 1, 3)
        values = random.normal(size=n).cumsum() if random.random() < 0.5 else random.random(n)
        if kind == 0:
            axes.plot(values, color=colour, lw=random.uniform(0.5, 4))
            axes.plot(random.random(n), color=random.uniform(0, 1, 3))
        elif kind == 1:
            axes.bar(range(n), values, color=colour)
        elif kind == 2:
            axes.scatter(*random.normal(size=(2, 20 * n)), s=random.uniform(1, 30), color=colour)
        elif kind == 3:
            axes.imshow(random.random((n, n)), cmap=random.choice(["viridis", "Blues", "gray_r"]))
        elif kind == 4:
            axes.hist(random.normal(size=500), bins=n, color=colour)
        elif kind == 5:  # a piano roll
            rolls = random.random((int(random.integers(4, 30)), 4 * n)) < random.uniform(0.02, 0.3)
            axes.imshow(rolls, aspect="auto", cmap=random.choice(["binary", "gray", "magma"]))
        else:
            axes.contourf(_spectrum(random, 40, 2), cmap=random.choice(["coolwarm", "RdBu"]))
        if random.random() < 0.4:
            axes.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer)
    pyplot.close(figure)
    return Image.open(buffer).convert("RGB")


def _mixed(random: np.random.Generator, side: int) -> Image.Image:
    one, two = (kind(random, side) for kind in (_fractal, _shapes))
    if random.random() < 0.5:
        return Image.blend(one, two, float(random.uniform(0.3, 0.7)))
    return Image.composite(
        one, two, _cells(random, side).convert("L").point(lambda v: 255 * (v > 99))
    )
