"""The lesson: latent spaces trained with reconstruction only, with KL only, and with both.

The data, a training loop to read, and what to measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from examples.digits import DOMAIN
from examples.digits.codec import DigitCodec
from examples.digits.network import DigitArchitecture, make_model
from vaecore.config import ModelConfig
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.training.small import SmallLoop, cosine

HELD_OUT = 360
"""The last fifth of the 1,797 bundled digits: mostly of other writers than the first."""
NEIGHBOURS = 5
RATE = 1e-3
"""The learning rate of the first step."""


class Digits(NamedTuple):
    """Pictures `(n, side, side)`, shares of ink in [0, 1], and which digits they show `(n,)`."""

    x: Tensor
    digit: Tensor


def load(mnist: Path | None = None) -> tuple[Digits, Digits]:
    """Return digits to train on and digits held out.

    Args:
        mnist: An npz file with x_train, y_train, x_test, y_test; without it the digits of 8 x 8
            pixels that come with scikit-learn.

    Raises:
        DataError: The file is not MNIST.
    """
    if mnist is None:
        from sklearn.datasets import load_digits

        bundle = load_digits()
        x, digit = torch.from_numpy(bundle.images).float() / 16, torch.from_numpy(bundle.target)
        return Digits(x[:-HELD_OUT], digit[:-HELD_OUT]), Digits(x[-HELD_OUT:], digit[-HELD_OUT:])
    try:
        with np.load(mnist) as arrays:
            parts = [
                Digits(
                    torch.from_numpy(arrays[f"x_{part}"]).float() / 255,
                    torch.from_numpy(arrays[f"y_{part}"]).long(),
                )
                for part in ("train", "test")
            ]
    except (OSError, KeyError, ValueError, AttributeError, TypeError, BadZipFile) as error:
        remedy = "it needs x_train, y_train, x_test and y_test"
        raise DataError("is no npz file of MNIST", path=mnist, remedy=remedy) from error
    return parts[0], parts[1]


@torch.enable_grad()  # even where the caller has turned gradients off
def train(
    x: Tensor,
    mode: str = "vae",
    beta: float = 1.0,
    steps: int = 3000,
    batch: int = 64,
    seed: int = 0,
    **sizes: int,
) -> VAE:
    """Return a VAE trained on pictures `(n, side, side)`.

    Args:
        x: The pictures.
        mode: "autoencoder" (reconstruction only), "kl_only", or "vae" (both).
        beta: Weight of the KL.
        steps: Optimiser steps, over which the learning rate falls to 0.
        batch: Pictures in a step.
        seed: Of weights, batches and draws.
        sizes: Fields of `DigitArchitecture`, but for the side.
    """
    torch.manual_seed(seed)
    architecture = DigitArchitecture(side=x.shape[-1], **sizes)
    model = make_model(architecture, Objective(mode=mode, beta=beta))
    optimizer = torch.optim.Adam(model.parameters())
    generator = torch.Generator().manual_seed(seed)

    def loss(step: int) -> Tensor:
        rows = torch.randint(len(x), (batch,), generator=generator)
        return model.loss(x[rows], step, generator).loss

    loop = SmallLoop(model, optimizer, lambda done, _: RATE * cosine(done), steps=steps)
    for _ in loop.run(loss):
        pass
    return model.eval()


@torch.no_grad()
def measure(model: VAE, known: Digits, held_out: Digits, seed: int = 0) -> dict[str, float]:
    """Measure a model on held-out digits.

    Args:
        model: The model.
        known: Digits it was trained on, to compare the codes of others with.
        held_out: The digits to measure on.
        seed: Of the posterior draws.

    Returns:
        `reconstruction`: -log p(x|z) in nats, z as the model is trained (a draw, or the mean).
        `kl`: KL(q(z|x) || N(0, I)) in nats.
        `elbo`: -(reconstruction + kl), a bound on log p(x) where z is a draw.
        `code_std`: standard deviation of the codes (posterior means), mean over dimensions; about 1
            under the prior, if the posteriors are narrow.
        `knn_accuracy`: 5-nearest-neighbour accuracy: share of digits that are what most of the five
            nearest codes of known digits are.
    """
    generator = torch.Generator().manual_seed(seed)
    terms = model.loss(held_out.x, generator=generator)
    codes, others = model.encode(held_out.x).mean, model.encode(known.x).mean
    parts = [torch.cdist(rows, others) for rows in codes.split(500)]
    nearest = torch.cat([part.topk(NEIGHBOURS, largest=False).indices for part in parts])
    right = known.digit[nearest].mode(1).values == held_out.digit
    return {
        "reconstruction": terms.reconstruction.item(),
        "kl": terms.kl.item(),
        "elbo": -(terms.reconstruction + terms.kl).item(),
        "code_std": codes.std(0).mean().item(),
        "knn_accuracy": right.double().mean().item(),
    }


def keep(models: Mapping[str, VAE], held_out: Digits, box: Path) -> list[Path]:
    """Write models into a box, with both figures and one held-out picture of each digit.

    Args:
        models: By mode.
        held_out: Where the pictures are taken from.
        box: Folder of the model folders.

    Returns:
        What was written, in order.
    """
    from examples.digits.presentation import latent_figure, manifold, sheet

    codec = DigitCodec(held_out.x.shape[-1])
    for mode, model in models.items():
        config = ModelConfig(
            domain=DOMAIN.name,
            name=mode,
            representation=codec.config,
            architecture=asdict(model.architecture),
            objective={},
            description=f"Digits of {codec.side} x {codec.side} pixels, mode {mode}",
        )
        DOMAIN.save(box / mode, model, config)
    for digit in range(10):
        first = held_out.x[held_out.digit == digit][0]
        codec.decode(first).save(box / f"{digit}.png")
    latent_figure(models, held_out).savefig(box / "latent.png", dpi=130)
    cells = manifold(models["vae"])
    pictures = [codec.decode(x) for x in cells.flatten(0, 1)]
    sheet(pictures, len(cells)).save(box / "manifold.png")
    return [*(box / mode for mode in models), box / "latent.png", box / "manifold.png"]
