"""Autoencoder against VAE, on digits in two dimensions; the loss; moves along a dimension."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from PIL import Image

from examples.digits import lesson
from examples.digits.codec import DigitCodec
from examples.digits.presentation import COLOURS, TITLES, latent_figure, manifold, sheet
from examples.lecture.figures import Setting, figure

BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
INK, ACCENT = "#22262b", "#d1495b"


@figure
def latent(setting: Setting) -> dict[str, Any]:
    """Draw where digits lie with reconstruction only, with KL only, and with both."""
    known, held_out = lesson.load(setting.mnist)
    steps = setting.some(3000, 20)
    models = {mode: lesson.train(known.x, mode, steps=steps) for mode in TITLES}
    latent_figure(models, held_out).savefig(setting.output / "latent.png", dpi=100)
    return {mode: lesson.measure(model, known, held_out) for mode, model in models.items()}


@figure
@torch.no_grad()
def areas(setting: Setting) -> dict[str, Any]:
    """Draw codes as points, their means, and as areas, one standard deviation around them."""
    known, held_out = lesson.load(setting.mnist)
    model = lesson.train(known.x, steps=setting.some(3000, 20))
    shown = slice(0, 360)
    q, digits = model.encode(held_out.x[shown]), held_out.digit[shown].tolist()
    page = Figure(figsize=(9, 4.4), layout="constrained")
    for panel, title in zip(page.subplots(1, 2), ("points: mean", "areas: mean ± stddev"),
                            strict=True):  # fmt: skip
        for mean, stddev, digit in zip(q.mean.tolist(), q.stddev.tolist(), digits, strict=True):
            if title.startswith("points"):
                panel.plot(*mean, "o", ms=2.5, color=COLOURS[digit], mew=0)
            else:
                width, height = (2 * each for each in stddev)
                panel.add_patch(Ellipse(mean, width, height, fc=COLOURS[digit], alpha=0.35, lw=0))
        panel.add_patch(Circle((0, 0), 2, fill=False, color=INK, lw=0.7, ls=":"))
        panel.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
        panel.set_title(title, fontsize=11)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    page.savefig(setting.output / "areas.png", dpi=100)
    return {"stddev of the posteriors": q.stddev.mean().item(),
            "stddev of the means": q.mean.std(0).mean().item()}  # fmt: skip


@figure
def plane(setting: Setting) -> dict[str, Any]:
    """Draw the digits on a grid over the quantiles of N(0, I)."""
    known, held_out = lesson.load(setting.mnist)
    model = lesson.train(known.x, steps=setting.some(3000, 20))
    codec, cells = DigitCodec(known.x.shape[-1]), manifold(model)
    page = sheet([codec.decode(x) for x in cells.flatten(0, 1)], len(cells))
    page.quantize(32).save(setting.output / "plane.png")
    return lesson.measure(model, known, held_out)


@figure
def loss(setting: Setting) -> dict[str, Any]:
    """Draw reconstruction against KL for five betas, and samples of N(0, I) at three of them."""
    known, held_out = lesson.load(setting.mnist)
    codec, found, samples = DigitCodec(known.x.shape[-1]), {}, {}
    z = torch.randn(7, 8, generator=torch.Generator().manual_seed(3))
    for beta in BETAS:
        model = lesson.train(known.x, beta=beta, steps=setting.some(2000, 20), latent_dim=8)
        found[beta] = lesson.measure(model, known, held_out)
        samples[beta] = [codec.decode(x) for x in model.decode(z).detach()]
    page = Figure(figsize=(9, 3.6), layout="constrained")
    curve, pictures = page.subplots(1, 2, width_ratios=(1, 1.25))
    x, y = ([found[beta][term] for beta in BETAS] for term in ("kl", "reconstruction"))
    curve.plot(x, y, color=INK, marker="o", lw=1.2)
    for beta, *place in zip(BETAS, x, y, strict=True):
        at = (8, -4 if beta == BETAS[-1] else 6)  # the last two lie on each other
        curve.annotate(f"beta {beta:g}", place, at, textcoords="offset points", color=ACCENT)
    curve.set(xlabel="KL (nats)", ylabel="reconstruction (nats)")
    curve.spines[["top", "right"]].set_visible(False)
    shown: list[Image.Image] = [each for beta in BETAS[::2] for each in samples[beta]]
    pictures.imshow(sheet(shown, len(z)), cmap="gray")
    pictures.set(xticks=[], yticks=[30, 82, 134])
    pictures.set_yticklabels([f"beta {beta:g}" for beta in BETAS[::2]])
    pictures.tick_params(length=0)
    pictures.spines[:].set_visible(False)
    pictures.set_title("decoded from the same seven draws of N(0, I)", fontsize=10)
    page.savefig(setting.output / "loss.png", dpi=110)
    return {f"beta {beta:g}": each for beta, each in found.items()}


@figure
@torch.no_grad()
def traversal(setting: Setting) -> dict[str, Any]:
    """Draw digits moved along one latent dimension after the other, of eight."""
    known, held_out = lesson.load(setting.mnist)
    model = lesson.train(known.x, steps=setting.some(2000, 20), latent_dim=8)
    kl = model.encode(held_out.x).kl_per_dimension().mean(0)
    order = kl.argsort(descending=True)
    places = torch.arange(-3.0, 4)
    codec, pictures = DigitCodec(known.x.shape[-1]), []
    z = model.encode(held_out.x[held_out.digit == 3][:1]).mean
    for dimension in order:
        codes = z.repeat(len(places), 1)
        codes[:, dimension] = places
        pictures += [codec.decode(x) for x in model.decode(codes)]
    page = Figure(figsize=(4.6, 4.6), layout="constrained")
    panel = page.subplots()
    panel.imshow(sheet(pictures, len(places)), cmap="gray")
    middles = [28 + 52 * k for k in range(len(kl))]
    names = [f"{place:+g}" if place else "0" for place in places.tolist()]
    panel.set_xticks(middles[: len(places)], names)
    panel.set_yticks(middles, [f"z{k}: {kl[k]:.2f} nats" for k in order.tolist()])
    panel.tick_params(length=0, labelsize=8)
    panel.spines[:].set_visible(False)
    page.savefig(setting.output / "traversal.png", dpi=110, bbox_inches="tight")
    return {f"z{k}": {"KL (nats)": kl[k].item()} for k in order.tolist()}
