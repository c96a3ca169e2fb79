"""Which detector finds the faces, and how well does the framing network frame them?

The scout in the box is compared with detectors that have to be installed: OpenCV's cascades and
dlib's HOG (pip install 'opencv-python-headless<5' dlib-bin).

    python benchmarks/face_alignment.py FACES PHOTOS

FACES is a folder of framed faces (128x128), of which the thousand are used that
`tools.framing.train` holds out; PHOTOS a folder of photographs of one person each. Four tables:

    detectors    on the photographs: what each finds, how many of these the framing network
                 accepts, and where, in terms of the box, it puts the framed square: its side, its
                 centre below the box's
    corrections  framed faces, turned, scaled and shifted at random: the error after each correction
    framed       results of `is_framed` for framed faces, for photographs, and for shifted faces
    eyes         where OpenCV's eye cascade finds the eyes, in framed faces and aligned photographs

`--sheet` draws the aligned photographs in rows.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from PIL import Image, ImageFilter

from facevae.align import finding
from facevae.align.framing import CORRECTIONS, correct, frame, is_framed
from facevae.align.geometry import Similarity
from facevae.align.network import locate, shipped
from facevae.align.photograph import Photograph
from tools.framing.synthesis import examples
from tools.framing.train import corner_error, read, split
from vaecore.errors import DataError

Boxes = Callable[[np.ndarray], list[tuple[float, float, float, float]]]
SIDE, DOWN = 1.55, -0.07
"""The framed square in terms of a cascade's box: its side, and how far its centre lies below the
box's (negative: above), both as parts of the box's side (medians over 200 photographs)."""


def detectors() -> dict[str, Boxes]:
    """Return the detectors by name: RGB image to boxes (left, top, width, height)."""

    def haar(name: str) -> Boxes:
        cascade = cv2.CascadeClassifier(
            f"{cv2.data.haarcascades}haarcascade_frontalface_{name}.xml"
        )
        return lambda rgb: cascade.detectMultiScale(
            np.asarray(Image.fromarray(rgb).convert("L")), 1.1, 3, minSize=(24, 24)
        )

    def box(square: Similarity) -> tuple[float, float, float, float]:
        side = square.side / SIDE
        middle = square.shift
        return middle.real - side / 2, middle.imag - (0.5 + DOWN) * side, side, side

    def middle(rgb: np.ndarray) -> list[tuple[float, float, float, float]]:
        height, width = rgb.shape[:2]
        return [box(Similarity.of_square(complex(width, height) / 2, min(height, width)))]

    def scout(rgb: np.ndarray) -> list[tuple[float, float, float, float]]:
        return [box(square) for square in next(finding.find_faces(Image.fromarray(rgb)))]

    found: dict[str, Boxes] = {"the scout": scout}
    found |= {f"Haar {name}": haar(name) for name in ("alt2", "alt", "default")}
    found["none: the middle square"] = middle
    try:
        import dlib
    except ImportError:
        return found
    hog = dlib.get_frontal_face_detector()

    def boxes(rgb: np.ndarray, enlarged: int) -> list[tuple[float, float, float, float]]:
        return [(r.left(), r.top(), r.width(), r.height()) for r in hog(rgb, enlarged)]

    for enlarged in (0, 1):
        found[f"dlib HOG, enlarged {1 + enlarged}x"] = lambda rgb, e=enlarged: boxes(rgb, e)
    return found


def compare(photos: list[Path]) -> None:
    """Print what each detector finds."""
    images = [Image.open(path).convert("RGB") for path in photos]
    places: dict[str, list[Similarity | None]] = {}
    print("| detector | a box in | boxes | CPU ms | sure of | side | lower by |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, detect in detectors().items():
        begun = time.process_time()
        found = [list(detect(np.asarray(image))) for image in images]
        took = 1000 * (time.process_time() - begun) / len(images)
        kept: list[Similarity | None] = []
        ratios = []
        for image, boxes in zip(images, found, strict=True):
            photograph = Photograph(image)
            refined = []
            for left, top, width, height in boxes:
                middle = complex(left + width / 2, top + height / 2)
                place = Similarity.of_square(middle + 1j * DOWN * height, SIDE * width)
                ((square, logit),) = correct(photograph, [place])
                refined.append((logit, square, middle, width))
            best = max(refined, key=lambda one: one[0], default=None)
            if best is None or best[0] < 0:
                kept.append(None)
                continue
            _, square, middle, width = best
            kept.append(square)
            ratios.append((square.side / width, (square.shift - middle).imag / width))
        places[name] = kept
        side, below = np.median(ratios, axis=0)
        print(
            f"| {name} | {sum(map(bool, found))} of {len(images)} | {sum(map(len, found))} "
            f"| {took:.0f} | {sum(square is not None for square in kept)} "
            f"| {side:.2f} | {below:+.3f} |"
        )
    names = list(places)
    print("\nwhere the place from another detector's box ends, beside the first's (px of 128):")
    for name in names[1:]:
        off = [
            128 * (one.inverse @ two).displacement()
            for one, two in zip(places[names[0]], places[name], strict=True)
            if one and two
        ]
        print(f"  {name}: median {np.median(off):.2f}, 95 % {np.quantile(off, 0.95):.2f}")


def corrections(faces: list[Path]) -> None:
    """Print the error after each correction of framed faces that were moved at random."""
    images = read(faces)
    network = shipped()
    with torch.inference_mode():
        crops, truth, face = examples(images, torch.Generator().manual_seed(1))
        answers = torch.cat([network(part) for part in crops.split(100)])
    off = 128 * corner_error(answers[face], truth[face])
    right = ((answers[:, 4] > 0) == face).float().mean().item()
    print(f"\ntraining examples, one correction: error of the corners {_quantiles(off.numpy())}")
    print(f"accuracy of face or none: {right:.1%}")
    random = np.random.default_rng(1)
    rows: list[list[tuple[float, float, float]]] = [[] for _ in range(CORRECTIONS + 2)]
    for pixels in images:
        # On a larger canvas, mirrored over its edges, so that there is something around it.
        photograph = Photograph(Image.fromarray(pixels.permute(1, 2, 0).numpy()))
        angle, scale = random.uniform(-35, 35), random.uniform(0.8, 1.6)
        shift = complex(*random.uniform(-18, 18, 2))
        truth = Similarity.of_square(64 + 64j, 128)
        square = Similarity.of_square(64 + 64j + shift, 128 * scale, angle)
        for row in rows:
            error = truth.inverse @ square
            row.append((128 * error.displacement(), abs(error.angle), abs(error.scale - 1)))
            crop = np.array(photograph.cut(square, 64))
            ((correction, _),) = locate(torch.from_numpy(crop)[None])
            square = square @ correction
    print("\n| corrections | corners off, px of 128: median | 95 % | turn, degrees | scale |")
    print("|---:|---:|---:|---:|---:|")
    for i, row in enumerate(rows):
        off, turn, scale = np.median(row, axis=0)
        far = np.quantile([one[0] for one in row], 0.95)
        print(f"| {i} | {off:.2f} | {far:.2f} | {turn:.2f} | {scale:.3f} |")


def framed(faces: list[Path], photos: list[Path]) -> None:
    """Print the share of pictures that `is_framed` accepts."""
    pictures = [Image.open(path).convert("RGB") for path in faces]
    is_framed(pictures[0])
    begun = time.process_time()
    yes = sum(is_framed(picture) for picture in pictures)
    took = 1000 * (time.process_time() - begun) / len(pictures)
    print(f"\n| is_framed ({took:.1f} ms) | accepted |\n|---|---:|")
    print(f"| framed faces, unseen | {yes} of {len(faces)} |")
    print(f"| photographs | {sum(map(is_framed, photos))} of {len(photos)} |")
    aligned = [face for face in (_aligned(path) for path in photos) if face]
    print(f"| photographs, aligned | {sum(map(is_framed, aligned))} of {len(aligned)} |")
    soft = [picture.filter(ImageFilter.GaussianBlur(3)) for picture in pictures]
    print(f"| framed faces, blurred (sigma 3) | {sum(map(is_framed, soft))} of {len(soft)} |")
    for name, square in {
        "cut 10 % tighter": Similarity.of_square(64 + 64j, 115),
        "cut 20 % tighter": Similarity.of_square(64 + 64j, 102),
        "cut 25 % wider": Similarity.of_square(64 + 64j, 160),
        "turned by 10 degrees": Similarity.of_square(64 + 64j, 128, 10),
        "turned by 20 degrees": Similarity.of_square(64 + 64j, 128, 20),
        "shifted by 10 %": Similarity.of_square(77 + 64j, 128),
        "shifted by 20 %": Similarity.of_square(90 + 64j, 128),
        "upside down": Similarity.of_square(64 + 64j, 128, 180),
    }.items():
        moved = [Photograph(picture).cut(square, 128) for picture in pictures[:500]]
        print(f"| framed faces, {name} | {sum(map(is_framed, moved))} of {len(moved)} |")


def eyes(faces: list[Path], photos: list[Path], labels: Path) -> None:
    """Print where the eye cascade finds the eyes."""
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_eye.xml")

    def pair(image: Image.Image) -> list[float] | None:
        grey = np.asarray(image.convert("L").resize((256, 256), Image.Resampling.BICUBIC))
        found = cascade.detectMultiScale(grey[64:160], 1.05, 6, minSize=(24, 24), maxSize=(72, 72))
        centres = [((x + w / 2) / 2, (64 + y + h / 2) / 2) for x, y, w, h in found]
        left = [c for c in centres if 24 < c[0] < 60]
        right = [c for c in centres if 68 < c[0] < 104]
        return [*left[0], *right[0]] if len(left) == len(right) == 1 else None

    print("\n| eyes, px of 128 | seen | left x | y | right x | y | turn, degrees | apart |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    aligned = [face for face in (_aligned(path) for path in photos) if face]
    groups = {"framed faces": [Image.open(path) for path in faces], "photographs, aligned": aligned}
    if labels.is_file():  # most of the photographs show men
        with labels.open() as file:
            men = {row["image"] for row in csv.DictReader(file) if int(row["Male"]) > 0}
        groups["framed faces, men"] = [Image.open(path) for path in faces if path.name in men]
    for name, pictures in groups.items():
        seen = np.array([found for found in map(pair, pictures) if found])
        across = seen[:, 2:] - seen[:, :2]
        turn = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
        columns = [*seen.T, turn, np.hypot(*across.T)]
        cells = " | ".join(f"{np.mean(c):.1f} ± {np.std(c):.1f}" for c in columns)
        print(f"| {name} | {len(seen)} of {len(pictures)} | {cells} |")


def _aligned(path: Path) -> Image.Image | None:
    try:
        return frame(path, 128).image
    except DataError:
        return None


def _quantiles(off: np.ndarray) -> str:
    return f"{np.median(off):.2f} px of 128 (median), {np.quantile(off, 0.95):.2f} (95 %)"


def draw(photos: list[Path], output: Path) -> None:
    """Write the aligned photographs as a sheet, sixteen in a row; missing ones stay grey."""
    rows = -(-len(photos) // 16)
    sheet = Image.new("RGB", (16 * 96, rows * 96), "grey")
    for i, path in enumerate(photos):
        face = _aligned(path)
        if face is not None:
            sheet.paste(face.resize((96, 96)), (i % 16 * 96, i // 16 * 96))
    sheet.save(output)


@click.command(help=__doc__)
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--sheet", type=click.Path(path_type=Path))
def main(faces: Path, photos: Path, sheet: Path | None) -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _, unseen = split(faces)
    paths = sorted(photos.glob("*.jpg"))
    compare(paths)
    corrections(unseen)
    framed(unseen, paths)
    eyes(unseen, paths, faces.parent / "attributes.csv")
    if sheet:
        draw(paths, sheet)


if __name__ == "__main__":
    main()
