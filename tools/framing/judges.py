"""Train scout and judge: `python -m tools.framing.judges FACES PICTURES -o judges.safetensors`.

FACES is a folder of framed faces of 128x128 pixels (the shipped weights: CelebA-HQ), PICTURES one
of pictures without a face, searched at any depth (docs/data_sources.md names those of the shipped
weights). Both networks learn to tell well-framed faces from windows of these pictures, generated
pictures, and patches of faces. The judge is then trained further on its own mistakes: windows that
the scout finds in these pictures and the judge takes for a face.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from facevae.align.finding import FRAMED, searched
from facevae.align.framing import refine
from facevae.align.judges import FaceDetector, new
from facevae.align.photograph import Photograph
from facevae.data.names import find_images
from facevae.images import read_image
from tools.framing.faceless import SIDE, generated, pool
from tools.framing.synthesis import degraded, drawn, faceless_similarities
from tools.framing.train import read, save, split
from vaecore.device import autocast
from vaecore.training.small import SmallLoop, cosine

BATCH = 64
"""Number of faces in a batch, and of pictures without a face."""
REACH = {"scout": (0.30, 35.0, 0.20), "judge": (0.16, 12.0, 0.14)}
"""Largest misalignment of faces: scale (logarithm), rotation (degrees), shift (of half a side)."""


def faces(
    images: Tensor, around: Tensor, name: str, size: int, generator: torch.Generator
) -> Tensor:
    """Return crops of faces, misaligned as the scout or the judge sees them.

    Args:
        images: Framed faces, RGB, uint8, (n, 3, s, s).
        around: Pictures without a face, to fill the outside, uint8, (n, 3, h, w).
        name: "scout" or "judge".
        size: Side of the crops, in pixels.
        generator: Source of randomness.
    """
    n = len(images)
    scale, angle, shift = REACH[name]
    flat = torch.rand(n, 4, generator=generator) * 2 - 1
    flat *= torch.rand(n, 1, generator=generator).sqrt()  # most are off by little
    middle = FRAMED / size if name == "scout" else 1.0
    factor = middle * (scale * flat[:, 0]).exp()
    turn = math.radians(angle) * flat[:, 1]
    used = torch.stack([factor * turn.cos(), factor * turn.sin(), *(shift * flat[:, 2:]).T], 1)
    return _soft(drawn(images, used, around, generator, size), generator)


def others(
    windows: Tensor, images: Tensor, around: Tensor, size: int, generator: torch.Generator
) -> Tensor:
    """Return crops without a framed face: windows, and patches of faces or misaligned faces."""
    n = len(windows)
    zoom = 0.6 + 0.4 * torch.rand(n, generator=generator).sqrt()
    turn = torch.randint(0, 2, (n,), generator=generator) * 2.0 - 1  # mirrored or not
    away = (1 - zoom[:, None]) * (2 * torch.rand(n, 2, generator=generator) - 1)
    maps = torch.stack(
        [
            torch.stack([zoom * turn, torch.zeros(n), away[:, 0]], 1),
            torch.stack([torch.zeros(n), zoom, away[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(maps, [n, 3, size, size], align_corners=False)
    crops = functional.grid_sample(
        windows.float().div_(255), grid, padding_mode="reflection", align_corners=False
    )
    wrong = faceless_similarities(len(images), generator)
    patches = drawn(images, wrong, around, generator, size)
    return _soft(torch.cat([degraded(crops, generator), patches]), generator)


def _soft(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Blur some crops strongly, like small faces and reconstructions of a VAE."""
    for i in (torch.rand(len(crops), generator=generator) < 0.15).nonzero()[:, 0].tolist():
        side = int(torch.randint(14, 30, (), generator=generator))
        small = functional.interpolate(crops[i : i + 1], size=(side, side), mode="area")
        crops[i : i + 1] = functional.interpolate(
            small, size=crops.shape[2:], mode="bicubic", align_corners=False
        ).clamp_(0, 1)
    return crops


def train(
    name: str,
    images: Tensor,
    windows: Tensor,
    alike: Tensor,
    minutes: float = 8,
    seed: int = 0,
    rate: float = 3e-3,
    steps: int | None = None,
    network: FaceDetector | None = None,
) -> FaceDetector:
    """Train the scout or the judge.

    Args:
        name: "scout" or "judge".
        images: Framed faces, RGB, uint8, (n, 3, s, s).
        windows: Windows without a face, RGB, uint8, (n, 3, s, s).
        alike: Which of them look like a face, bool (n,); for the judge, half of each batch.
        minutes: CPU time.
        seed: Seed of the weights and of the examples.
        rate: Largest learning rate.
        steps: Number of steps, in place of the minutes.
        network: The network to train further, changed in place; None for a new one.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = (network or new(name)).train().requires_grad_(True)
    network = network.to(memory_format=torch.channels_last)
    size, odds = network.side, (1 + (name == "judge")) / 4
    groups = [part if len(part) else torch.arange(len(alike)) for part in _groups(alike)]
    loop = SmallLoop(
        network,
        torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02),
        lambda done, _: rate * min(1.0, done / 0.03) * cosine(done),
        steps=steps,
        minutes=None if steps else minutes,
        clock=time.process_time,
        decay=lambda taken: min(0.999, (taken - 1) / (taken + 1)),
        clip=1.0,
    )

    def loss(step: int) -> Tensor:
        chosen = torch.randint(len(images), (BATCH + BATCH // 4,), generator=generator)
        count = [round(BATCH * odds), BATCH - round(BATCH * odds)]
        rows = torch.cat(
            [
                group[torch.randint(len(group), (n,), generator=generator)]
                for group, n in zip(groups, count, strict=True)
            ]
        )
        around = windows[torch.randint(len(windows), (len(chosen),), generator=generator)]
        yes = faces(images[chosen[:BATCH]], around[:BATCH], name, size, generator)
        no = others(windows[rows], images[chosen[BATCH:]], around[BATCH:], size, generator)
        with autocast("cpu"):
            logits = network(torch.cat([yes, no])).flatten().float()
        truth = torch.cat([torch.ones(len(yes)), torch.zeros(len(no))])
        return functional.binary_cross_entropy_with_logits(logits, truth)

    for step in loop.run(loss):
        if step % 500 == 0:
            print(f"{name}: {step} steps, {loop.done:.0%}, {loop.loss:.4f} nats", flush=True)
    return loop.average.eval()


def mistakes(
    networks: Mapping[str, FaceDetector], pictures: Sequence[Image.Image], seed: int = 0
) -> Tensor:
    """Return windows that the scout finds in pictures and the judge takes for a face, or nearly.

    Args:
        networks: Scout and judge, in evaluation mode.
        pictures: RGB, without a face.
        seed: Seed of rotations, and of generated pictures that are added.

    Returns:
        Windows, uint8, (n, 3, SIDE, SIDE).
    """
    random = np.random.default_rng(seed)
    between = (generated(random) for _ in range(len(pictures) // 4))
    found = []
    for picture in [*pictures, *between]:
        image = picture.copy()
        image.thumbnail((480, 480))
        turn = float(random.choice([0, 0, 90, -90, 180, random.uniform(-60, 60)]))
        image = image.rotate(turn, Image.Resampling.BILINEAR, expand=turn % 90 == 0)
        photograph = Photograph(image)
        places = searched(image, networks["scout"])
        found += [
            np.asarray(photograph.cut(square, SIDE))
            for square, evidence in refine(photograph, places, judge=networks["judge"])
            if evidence > -2
        ]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


def _groups(alike: Tensor) -> list[Tensor]:
    return [alike.nonzero()[:, 0], (~alike).nonzero()[:, 0]]


def main() -> None:
    """Read the arguments, train both, write the weights as float16."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="folder of framed faces, 128x128 JPEG")
    parser.add_argument("pictures", type=Path, help="folder of pictures without a face")
    parser.add_argument("-o", "--output", type=Path, required=True, help="weights (.safetensors)")
    parser.add_argument("--minutes", type=float, default=8, help="CPU time for each")
    parser.add_argument("--windows", type=int, default=32_000, help="without a face")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pictures = []
    for name in find_images(options.pictures):
        image = read_image(options.pictures / name, at_least=640)
        image.thumbnail((640, 640))
        pictures.append(image)
    windows, alike = pool(pictures, options.windows, options.seed)
    images = read(split(options.faces)[0])
    minutes, seed = options.minutes, options.seed
    networks = {
        name: train(name, images, windows, alike, minutes, seed) for name in ("scout", "judge")
    }
    missed = mistakes(networks, pictures, seed)
    windows = torch.cat([windows, missed, missed])
    alike = torch.cat([alike, torch.ones(2 * len(missed), dtype=torch.bool)])
    judge = networks["judge"]
    networks["judge"] = train("judge", images, windows, alike, minutes, seed, network=judge)
    save({f"{name}.": network for name, network in networks.items()}, options.output)


if __name__ == "__main__":
    main()
