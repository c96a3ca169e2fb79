"""Fully connected against convolutional networks, with as many weights, on digits."""

from __future__ import annotations

import time
from typing import Any

import torch
from matplotlib.figure import Figure

from examples.digits import lesson
from examples.digits.codec import DigitCodec
from examples.digits.network import DigitArchitecture, make_model
from examples.digits.presentation import sheet
from examples.lecture.figures import Setting, figure
from vaecore.model import VAE

LATENT, UNITS = 8, 256


def channels_for(side: int) -> int:
    """Return the channels with which convolutions have about the weights of `UNITS` units."""
    wanted = count(make_model(DigitArchitecture(side, LATENT, UNITS)))

    def excess(channels: int) -> int:
        model = make_model(DigitArchitecture(side, LATENT, channels, convolutional=True))
        return abs(count(model) - wanted)

    return min(range(4, 257), key=excess)


def count(model: VAE) -> int:
    """Return the number of weights."""
    return sum(parameter.numel() for parameter in model.parameters())


@figure
@torch.no_grad()
def networks(setting: Setting) -> dict[str, Any]:
    """Draw held-out digits, their reconstructions by both networks, and samples of both."""
    known, held_out = lesson.load(setting.mnist)
    side = known.x.shape[-1]
    steps, more = setting.some(1500, 20), setting.some(15000, 20)
    channels = channels_for(side)
    variants: dict[str, dict[str, int]] = {
        "convolutional": {"steps": steps, "hidden": channels, "convolutional": True},
        "dense": {"steps": steps, "hidden": UNITS},
        "dense, longer": {"steps": more, "hidden": UNITS},
    }
    x = torch.stack([held_out.x[held_out.digit == digit][0] for digit in range(10)])
    noise = torch.randn(20, LATENT, generator=torch.Generator().manual_seed(0))
    rows, found = {"digits": x}, {}
    for title, variant in variants.items():
        begin = time.process_time()
        model = lesson.train(known.x, latent_dim=LATENT, **variant)
        seconds = time.process_time() - begin
        found[title] = {"weights": count(model), "seconds": round(seconds, 1)}
        found[title] |= lesson.measure(model, known, held_out)
        rows[f"kept, {title}"] = model.decode(model.encode(x).mean)
        rows[f"samples, {title}"] = model.decode(noise)
    _draw(rows, side).savefig(setting.output / "networks.png", dpi=110, bbox_inches="tight")
    return found


def _draw(rows: dict[str, torch.Tensor], side: int) -> Figure:
    """Draw digits, ten in a row, each kind with its name at the left."""
    codec, pictures, ticks = DigitCodec(side), [], {}
    for title, x in rows.items():
        ticks[title] = 52 * (len(pictures) // 10 + len(x) / 20) + 2
        pictures += [codec.decode(each) for each in x]
    page = Figure(figsize=(6.6, 5.2), layout="constrained")
    panel = page.subplots()
    panel.imshow(sheet(pictures, 10), cmap="gray")
    panel.set_xticks([])
    panel.set_yticks(list(ticks.values()), list(ticks))
    panel.tick_params(length=0, labelsize=8)
    panel.spines[:].set_visible(False)
    return page
