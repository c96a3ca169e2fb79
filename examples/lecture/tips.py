"""The five tips for faces: models without each of them in turn."""

from __future__ import annotations

from itertools import chain, repeat
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.loader import FaceLoader
from facevae.evaluate import measure
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import FaceVAE
from vaecore.space import LatentSpace
from vaecore.training.small import SmallLoop

SIZE = 32
"""Pixels each way: a quarter of the work of 64."""
BATCH, LATENT, FACTOR = 32, 200, 10_000.0
VARIANTS: dict[str, dict[str, Any]] = {
    "all five tips": {},
    "one output channel": {"channels": 1},
    "2 latent dimensions": {"latent_dim": 2},
    "no batch norm": {"batch_norm": False},
    "factor 100": {"factor": 100.0},
}
"""The fifth tip, reading images from their folder as they are needed, is part of all of them."""

Made = dict[str, tuple[list[Image.Image], dict[str, Any]]]


def network(
    channels: int = 3, latent_dim: int = LATENT, batch_norm: bool = True, factor: float = FACTOR
) -> FaceVAE:
    """Return the lecture's network for faces, with all tips or without one."""
    torch.manual_seed(0)
    model = FaceVAE(
        FaceArchitecture("lecture", SIZE, latent_dim, dropout=0.25, reconstruction_factor=factor)
    )
    layers = model.decoder.network.layers
    if channels != len(layers[-1].bias):  # one channel in place of red, green and blue
        layers[-1] = nn.ConvTranspose2d(32, channels, 3, 2, 1, output_padding=1)
    for part in () if batch_norm else (layers, model.encoder.network.layers):
        for index, layer in enumerate(part):
            if isinstance(layer, nn.BatchNorm2d):
                part[index] = nn.Identity()
    return model


def train(model: FaceVAE, loader: FaceLoader, steps: int) -> None:
    """Train on images that are read from their folder as they are needed."""
    generator = torch.Generator().manual_seed(0)
    batches = chain.from_iterable(repeat(loader))
    optimizer = torch.optim.Adam(model.parameters())
    loop = SmallLoop(model.train(), optimizer, lambda done, step: 5e-4, steps=steps, clip=1000.0)
    for _ in loop.run(lambda step: model.loss(next(batches), step, generator).loss):
        pass
    model.eval()


def compare(folder: Path, known: int, held_out: int, steps: int) -> Made:
    """Return held-out faces, their reconstructions by each model, and its figures.

    Args:
        folder: Of framed faces; the last ones in the order of names are held out.
        known: How many of the first ones to train on, at most.
        held_out: How many of the last ones to show; 32 times as many are measured, if there are.
        steps: Training steps of each model.
    """
    codec = FaceCodec(SIZE)
    faces = FaceFolder(folder, codec)
    rows = torch.arange(len(faces)).numpy()
    measured = min(32 * held_out, len(faces) // 4)
    loader = FaceLoader(faces.select(rows[:-measured][:known]), BATCH, workers=0)
    x = torch.stack([codec.encode(faces.path(int(row))) for row in rows[-measured:]])
    made: Made = {"original": ([codec.decode(each) for each in x[:held_out]], {})}
    for title, variant in VARIANTS.items():
        model = network(**variant)
        train(model, loader, steps)
        space = LatentSpace(model, codec)
        kept = space.decode_to_examples(space.posterior_of(x[:held_out]).mean)
        pictures = [codec.decode(each.expand(3, -1, -1)) for each in kept]
        made[title] = (pictures, _figures(model, x))
    return made


def _figures(model: FaceVAE, x: Tensor) -> dict[str, Any]:
    """Return what `facevae.evaluate` measures, whatever the channels of the decoder."""
    plain = model.decoder.forward
    model.decoder.forward = lambda z: plain(z).expand(-1, 3, -1, -1)
    try:
        figures = measure(model, x)
    finally:
        model.decoder.forward = plain
    return {name: figures[name] for name in ("psnr", "ssim", "sharpness", "kl_nats")}
