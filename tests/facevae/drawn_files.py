"""Drawn faces in picture files."""

from __future__ import annotations

from pathlib import Path

from drawn import draw, labels

from facevae.codec import FaceCodec


def save_drawn(folder: Path, count: int, seed: int = 1) -> list[Path]:
    """Save drawn faces of 48 x 48 pixels as PNG files, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, picture in enumerate(draw(labels(count, seed), seed, size=48)):
        paths.append(folder / f"{number:03d}.png")
        FaceCodec(48).decode(picture).save(paths[-1])
    return paths
