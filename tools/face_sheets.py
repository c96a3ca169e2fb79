"""Pack a folder of faces into a few large JPEGs, to copy it to another machine, and unpack it.

    python -m tools.face_sheets pack FACES SHEETS
    python -m tools.face_sheets unpack SHEETS FACES

A third of a JPEG of 64 x 64 pixels is its header. A sheet of 64 x 64 faces, aligned to JPEG's
blocks, has one header for 4,096 faces: 28,000 faces take 31 MB. Names are kept, since the training
splits a folder by them.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from PIL import Image

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder

SIDE, ACROSS = 64, 64
QUALITY = 78
NAMES = "names.json"
FOLDER = click.Path(path_type=Path)


@click.group(help=__doc__)
def main() -> None:
    """Pack and unpack."""


@main.command()
@click.argument("faces", type=FOLDER)
@click.argument("sheets", type=FOLDER)
@click.option("--limit", default=0, help="Only so many of the first faces; 0 takes all.")
def pack(faces: Path, sheets: Path, limit: int) -> None:
    """Write the sheets of a folder of faces."""
    folder = FaceFolder(faces, FaceCodec(SIDE))
    count = min(limit or len(folder), len(folder))
    names = [folder.name(k) for k in range(count)]
    sheets.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(names), ACROSS**2):
        sheet = Image.new("RGB", (ACROSS * SIDE, ACROSS * SIDE))
        for k in range(min(ACROSS**2, len(names) - first)):
            place = (k % ACROSS * SIDE, k // ACROSS * SIDE)
            sheet.paste(Image.fromarray(folder.pixels(first + k)), place)
        sheet.save(sheets / f"{first // ACROSS**2:03d}.jpg", quality=QUALITY)
    (sheets / NAMES).write_text(json.dumps(names), encoding="utf-8")
    size = sum(file.stat().st_size for file in sheets.iterdir())
    click.echo(f"{len(names):,} faces in {size / 1e6:.1f} MB")


@main.command()
@click.argument("sheets", type=FOLDER)
@click.argument("faces", type=FOLDER)
def unpack(sheets: Path, faces: Path) -> None:
    """Write the faces of sheets, each into a file of its name."""
    names = json.loads((sheets / NAMES).read_text(encoding="utf-8"))
    for folder in {(faces / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)

    def write(sheet: Path) -> None:
        with Image.open(sheet) as image:
            first = int(sheet.stem) * ACROSS**2
            for k, name in enumerate(names[first : first + ACROSS**2]):
                left, top = k % ACROSS * SIDE, k // ACROSS * SIDE
                face = image.crop((left, top, left + SIDE, top + SIDE))
                face.save(faces / name, quality=95, subsampling=0)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, sorted(sheets.glob("*.jpg"))))
    click.echo(f"{len(names):,} faces")


if __name__ == "__main__":
    main()
