"""Train the framing network: `python -m tools.framing.train FACES -o framing.safetensors`.

FACES is a folder of framed faces of 128x128 pixels (the shipped weights: CelebA-HQ). Every example
is made from one of them at random (`tools.framing.synthesis`). Training takes a given CPU time, so
that other work on the machine does not shorten it; the learning rate falls to zero over that time.

A thousand images, chosen by the hash of their names, are held out; the last line printed has the
errors on them.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from facevae.align.network import FramingNetwork
from tools.framing.synthesis import examples
from vaecore.device import autocast
from vaecore.files import replacing
from vaecore.training.small import SmallLoop, cosine

HELD_OUT = 1000
BATCH = 64
AVERAGE = 0.999
"""Largest decay of the moving average of the weights, which is the result."""
WARM = 0.03
"""Share of the time over which the learning rate rises."""


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the images to train on and the `HELD_OUT` to test on, by the hash of their names."""
    paths = sorted(folder.glob("*.jpg"), key=lambda path: _hash(path.name))
    return paths[HELD_OUT:], paths[:HELD_OUT]


def read(paths: list[Path]) -> Tensor:
    """Read images: RGB, uint8, (n, 3, 128, 128)."""
    images = torch.empty(len(paths), 3, 128, 128, dtype=torch.uint8)
    for i, path in enumerate(paths):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize((128, 128), Image.Resampling.BICUBIC))
        images[i] = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    return images


def corner_error(answers: Tensor, truth: Tensor) -> Tensor:
    """Return the mean error of the framed square's corners, in units of its side, (n,).

    Args:
        answers: Estimated a, b, x, y (and more) of each crop, (n, 4 or more).
        truth: The similarities, (n, 4).
    """
    a, b, x, y = (answers[:, :4] - truth).unbind(1)
    # Corner (u, v), each 1 or -1, is off by (a u - b v + x, b u + a v + y).
    u = truth.new_tensor([-1, 1, 1, -1])[:, None]
    v = truth.new_tensor([-1, -1, 1, 1])[:, None]
    off = torch.hypot(a * u - b * v + x, b * u + a * v + y + 1e-9).mean(0)
    return off / (2 * truth[:, :2].norm(dim=1))


def train(
    images: Tensor,
    seconds: float = 700,
    seed: int = 0,
    rate: float = 2e-3,
    steps: int | None = None,
) -> FramingNetwork:
    """Train a network on framed images.

    Args:
        images: RGB, uint8, (n, 3, 128, 128).
        seconds: CPU time.
        seed: Seed of the weights and the examples.
        rate: Largest learning rate.
        steps: Number of steps, in place of the seconds.

    Returns:
        The network with its averaged weights, in evaluation mode.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = FramingNetwork().to(memory_format=torch.channels_last)
    loop = SmallLoop(
        network,
        torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02),
        lambda done, _: rate * min(1.0, done / WARM) * cosine(done),
        steps=steps,
        minutes=None if steps else seconds / 60,
        clock=time.process_time,
        # A plain mean at first, later over about the last thousand steps.
        decay=lambda steps: min(AVERAGE, (steps - 1) / (steps + 1)),
        clip=1.0,
    )
    report: list[tuple[float, float]] = []

    def loss(step: int) -> Tensor:
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        crops, truth, face = examples(images[chosen], generator)
        with autocast("cpu"):
            answers = network(crops)
        off = corner_error(answers[face], truth[face]).mean()
        sure = functional.binary_cross_entropy_with_logits(answers[:, 4], face.float())
        report.append((off.item(), sure.item()))
        return off + 0.02 * sure

    for step in loop.run(loss):
        if step % 500 == 0:
            off, sure = np.mean(report, axis=0)
            print(
                f"{step} steps, {loop.done:.0%}: corners {128 * off:.2f} px, face {sure:.3f} nats"
            )
            report.clear()
    return loop.average.eval()


@torch.inference_mode()
def assess(network: FramingNetwork, images: Tensor, seed: int = 1) -> dict[str, float]:
    """Measure a network on held-out images, one example of each.

    Returns:
        Median and 95th percentile of the corners' error in pixels of 128, and the share of the
        examples that are correctly classified as a face or none.
    """
    crops, truth, face = examples(images, torch.Generator().manual_seed(seed))
    answers = torch.cat([network(part) for part in crops.split(100)])
    off = 128 * corner_error(answers[face], truth[face])
    right = ((answers[:, 4] > 0) == face).float().mean()
    return {
        "median_px": off.median().item(),
        "p95_px": off.quantile(0.95).item(),
        "face_accuracy": right.item(),
    }


def save(networks: Mapping[str, nn.Module], output: Path) -> None:
    """Write the weights of networks as float16, under their names as prefixes."""
    state = {
        prefix + name: tensor.half().contiguous()
        for prefix, network in networks.items()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    with replacing(output) as path:
        save_file(state, path)


def main() -> None:
    """Read the arguments, train, write the weights as float16, test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="folder of framed faces, 128x128 JPEG")
    parser.add_argument("-o", "--output", type=Path, required=True, help="weights (.safetensors)")
    parser.add_argument("--seconds", type=float, default=700, help="CPU time to train for")
    parser.add_argument("--images", type=int, default=27_000, help="how many to train on at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    learned, unseen = split(options.faces)
    network = train(read(learned[: options.images]), options.seconds, options.seed)
    save({"": network}, options.output)
    print(assess(network, read(unseen)))


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


if __name__ == "__main__":
    main()
