"""What is framed as a face, and what is not?

    python benchmarks/photographs.py --photos PHOTOS [--faceless FOLDER]...

PHOTOS is a folder of photographs with a face in each; a FOLDER has pictures without one. Of noise
and textures, of thirty kinds, 300 are made here (by other means than those that the judges learned
from, `tools.framing.faceless`). The table has how many of each were framed: found and cut out, or
taken as framed already. The photographs are also stored in all eight orientations of a camera, and
compared as they are read.

`--sheet` draws what was framed of that which has no face, and what was not of that which has.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image, ImageFilter

from facevae.align import Framing, frame
from facevae.data.names import find_images
from facevae.images import read_image
from vaecore.errors import DataError

EACH = 10
"""Pictures of each kind of texture."""

SIDE = 256
Random = np.random.Generator
T = Image.Transpose
STORED = {
    1: None, 2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE,
    6: T.ROTATE_90, 7: T.TRANSVERSE, 8: T.ROTATE_270,
}  # fmt: skip
"""How a camera stores a picture with each orientation."""


def value_noise(random: Random, octaves: int, gain: float, side: int = SIDE) -> np.ndarray:
    """Return a sum of smooth random grids, each twice as fine and `gain` times as strong, 0..1."""
    total = np.zeros((side, side))
    for octave in range(octaves):
        grid = random.random((2 + 2**octave, 2 + 2**octave)).astype(np.float32)
        fine = Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)
        total += gain**octave * np.asarray(fine)
    return (total - total.min()) / np.ptp(total)


def tinted(values: np.ndarray, random: Random) -> np.ndarray:
    """Return grey values 0..1 through three colours at random, `(h, w, 3)`."""
    stops = random.random((3, 3))
    return np.stack([np.interp(values, [0, 0.5, 1], stops[:, k]) for k in range(3)], -1)


def kinds() -> dict[str, Callable[[Random], np.ndarray]]:
    """Return the kinds of textures by name: each draws values 0..1, `(h, w)` or `(h, w, 3)`."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE

    def clouds(octaves: int, gain: float) -> Callable[[Random], np.ndarray]:
        return lambda random: value_noise(random, octaves, gain)

    def colours(octaves: int, gain: float) -> Callable[[Random], np.ndarray]:
        return lambda random: np.stack([value_noise(random, octaves, gain) for _ in range(3)], -1)

    def skin(random: Random) -> np.ndarray:
        base = np.array([0.85, 0.65, 0.55]) * random.uniform(0.5, 1.1)
        return (base * (0.7 + 0.5 * value_noise(random, 6, 0.6))[..., None]).clip(0, 1)

    def marble(random: Random) -> np.ndarray:
        warp = value_noise(random, 6, 0.5)
        return tinted(0.5 + 0.5 * np.sin(6.28 * (random.uniform(1, 8) * x + 4 * warp)), random)

    def wood(random: Random) -> np.ndarray:
        cx, cy = random.uniform(-0.5, 1.5, 2)
        rings = np.hypot(x - cx, 0.3 * (y - cy)) * random.uniform(8, 40)
        return tinted((rings + 2 * value_noise(random, 5, 0.5)) % 1, random)

    def white(random: Random) -> np.ndarray:
        return random.random((SIDE, SIDE))

    def white_colour(random: Random) -> np.ndarray:
        return random.random((SIDE, SIDE, 3))

    def soft(radius: float) -> Callable[[Random], np.ndarray]:
        def draw(random: Random) -> np.ndarray:
            noise = Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
            values = np.asarray(noise.filter(ImageFilter.GaussianBlur(radius)), float)
            return (values - values.min()) / np.ptp(values)

        return draw

    def pepper(random: Random) -> np.ndarray:
        return (random.random((SIDE, SIDE)) < random.uniform(0.02, 0.5)).astype(float)

    def blobs(random: Random) -> np.ndarray:
        total = np.zeros((SIDE, SIDE))
        for _ in range(random.integers(3, 40)):
            cx, cy, size = *random.random(2), random.uniform(0.02, 0.2)
            total += random.normal() * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / size**2)
        return (total - total.min()) / np.ptp(total)

    def camouflage(random: Random) -> np.ndarray:
        steps = np.digitize(value_noise(random, 4, 0.5), [0.35, 0.5, 0.65])
        return random.random((4, 3))[steps]

    def fabric(random: Random) -> np.ndarray:
        n = int(random.integers(8, 60))
        warp, weft = np.sin(3.14 * n * x) ** 2, np.sin(3.14 * n * y) ** 2
        over = (np.floor(n * x) + np.floor(n * y)) % 2 == 0
        thread = np.where(over, warp, weft) * (0.8 + 0.2 * random.random((SIDE, SIDE)))
        return tinted(thread, random)

    def bricks(random: Random) -> np.ndarray:
        rows = int(random.integers(4, 24))
        row = np.floor(rows * y)
        across = (rows / 2 * x + 0.5 * (row % 2)) % 1
        mortar = (across < 0.06) | ((rows * y) % 1 < 0.12)
        shade = random.random((rows + 1, rows + 2))[row.astype(int), (rows / 2 * x).astype(int)]
        wall = np.where(mortar, 0.8, 0.3 + 0.4 * shade) + 0.1 * value_noise(random, 7, 0.9)
        return tinted(wall.clip(0, 1), random)

    def julia(random: Random) -> np.ndarray:
        z = 3 * (x - 0.5) + 3j * (y - 0.5)
        c = 0.7885 * np.exp(6.28j * random.random())
        steps = np.zeros(z.shape)
        for _ in range(40):
            z = np.where(np.abs(z) < 4, z * z + c, z)
            steps += np.abs(z) < 4
        return tinted(steps / 40, random)

    def automaton(random: Random) -> np.ndarray:
        rule, row = int(random.integers(256)), random.random(SIDE) < 0.5
        rows = []
        for _ in range(SIDE):
            rows.append(row)
            code = 4 * np.roll(row, 1) + 2 * row + np.roll(row, -1)
            row = (rule >> code) % 2 == 1
        return np.array(rows, float)

    def walks(random: Random) -> np.ndarray:
        canvas = np.zeros((SIDE, SIDE))
        for _ in range(20):
            path = (random.integers(0, SIDE, 2) + random.normal(0, 2, (3000, 2)).cumsum(0)) % SIDE
            np.add.at(canvas, tuple(path.astype(int).T), 1)
        return 1 - np.minimum(canvas, 1)

    def moire(random: Random) -> np.ndarray:
        centres, pitch = random.random((2, 2)), random.uniform(60, 200, 2)
        waves = [
            np.sin(p * np.hypot(x - cx, y - cy)) for (cx, cy), p in zip(centres, pitch, strict=True)
        ]
        return 0.5 + 0.5 * waves[0] * waves[1]

    def turing(random: Random) -> np.ndarray:
        """Spots and stripes as of animals: what is left of noise between two blurs, again."""
        image = random.random((SIDE, SIDE))
        for _ in range(12):
            grey = Image.fromarray((255 * image).astype(np.uint8))
            near, far = (
                np.asarray(grey.filter(ImageFilter.GaussianBlur(r)), float) for r in (3, 5)
            )
            image = (0.5 + 0.25 * (near - far)).clip(0, 1)
        return tinted(image, random)

    def foliage(random: Random) -> np.ndarray:
        ridges = np.abs(value_noise(random, 7, 0.7) - 0.5)
        return tinted((3 * ridges).clip(0, 1), random)

    def vignette(random: Random) -> np.ndarray:
        oval = np.exp(-(((x - 0.5) / 0.3) ** 2 + ((y - 0.5) / 0.4) ** 2))
        return tinted((0.6 * oval + 0.4 * value_noise(random, 6, 0.6)).clip(0, 1), random)

    def blocks(random: Random) -> np.ndarray:
        n = int(random.integers(3, 20))
        grid = random.random((n, n, 3))
        return np.kron(grid, np.ones((-(-SIDE // n), -(-SIDE // n), 1)))[:SIDE, :SIDE]

    return {
        "clouds, coarse": clouds(3, 0.5), "clouds": clouds(6, 0.5), "clouds, fine": clouds(7, 0.8),
        "clouds, rough": clouds(7, 1.0), "coloured clouds": colours(6, 0.5),
        "coloured clouds, fine": colours(7, 0.8), "coloured clouds, coarse": colours(3, 0.6),
        "skin": skin, "marble": marble, "wood": wood, "white noise": white,
        "coloured white noise": white_colour, "blurred noise": soft(2), "noise, blurred": soft(6),
        "noise, most blurred": soft(16), "salt and pepper": pepper, "blobs": blobs,
        "camouflage": camouflage, "fabric": fabric, "bricks": bricks, "Julia sets": julia,
        "cellular automata": automaton, "random walks": walks, "moiré": moire,
        "animal coats": turing, "foliage": foliage, "vignettes": vignette, "blocks": blocks,
        "tinted clouds": lambda random: tinted(value_noise(random, 6, 0.55), random),
        "tinted clouds, fine": lambda random: tinted(value_noise(random, 7, 0.75), random),
    }  # fmt: skip


def generated(seed: int = 0) -> Iterator[Image.Image]:
    """Yield `EACH` pictures of each kind of texture."""
    random = np.random.default_rng(seed)
    for draw in kinds().values():
        for _ in range(EACH):
            values = draw(random)
            yield Image.fromarray((255 * values.clip(0, 1)).astype(np.uint8)).convert("RGB")


def framed(source: Path | Image.Image) -> Framing | None:
    """Return how a picture is framed at 64 pixels; None: no face was found."""
    try:
        return frame(source, 64)
    except DataError as error:
        if error.problem != "no face found":
            raise
        return None


def row(name: str, sources: Iterable[Path | Image.Image]) -> tuple[list[Framing], list[Path]]:
    """Frame pictures and print a row of the table; return what was framed, and what was not."""
    found, missed, count, begun = [], [], 0, time.process_time()
    for source in sources:
        count += 1
        framing = framed(source)
        if framing is not None:
            found.append(framing)
        elif isinstance(source, Path):
            missed.append(source)
    took = 1000 * (time.process_time() - begun) / count
    already = sum(one.framed_already for one in found)
    print(
        f"| {name} | {count} | {len(found)} | {already} | {len(found) / count:.1%} | {took:.0f} |"
    )
    return found, missed


def orientations(photos: list[Path]) -> None:
    """Print how many photographs are the same, pixel for pixel, as stored with each orientation."""
    same = dict.fromkeys(STORED, 0)
    with tempfile.TemporaryDirectory() as folder:
        for path in photos:
            image = read_image(path)
            for orientation, turn in STORED.items():
                exif = Image.Exif()
                exif[0x0112] = orientation
                place = Path(folder) / "stored.png"
                stored = image if turn is None else image.transpose(turn)
                stored.save(place, exif=exif, compress_level=1)
                same[orientation] += read_image(place).tobytes() == image.tobytes()
    print(f"\n| orientation | read as the same picture, of {len(photos)} |\n|---|---:|")
    for orientation, count in same.items():
        print(f"| {orientation} | {count} |")


@click.command(help=__doc__)
@click.option("--photos", type=click.Path(path_type=Path, exists=True))
@click.option("--faceless", multiple=True, type=click.Path(path_type=Path, exists=True))
@click.option("--textures/--no-textures", default=True, help="Make the 300 textures.")
@click.option("--sheet", type=click.Path(path_type=Path))
def main(
    photos: Path | None, faceless: tuple[Path, ...], textures: bool, sheet: Path | None
) -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    print("| pictures | of these | framed | framed already | share | CPU ms |")
    print("|---|---:|---:|---:|---:|---:|")
    wrong = row("noise and textures", generated())[0] if textures else []
    for folder in faceless:
        wrong += row(folder.name, [folder / name for name in find_images(folder)])[0]
    shown = [one.image for one in wrong]
    if photos is not None:
        paths = [photos / name for name in find_images(photos)]
        _, missed = row(f"{photos.name} (faces)", paths)
        shown += [read_image(path).resize((64, 64)) for path in missed]
        orientations(paths)
    if sheet and shown:
        canvas = Image.new("RGB", (16 * 66, -(-len(shown) // 16) * 66), "grey")
        for i, image in enumerate(shown):
            canvas.paste(image, (i % 16 * 66, i // 16 * 66))
        canvas.save(sheet)


if __name__ == "__main__":
    main()
