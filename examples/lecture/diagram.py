"""The VAE of this project as a diagram, with the numbers of one digit in it."""

from __future__ import annotations

from typing import Any

import torch

from examples.digits import lesson
from examples.lecture.canvas import BLUE, GREEN, ORANGE, QUIET, RED, Canvas
from examples.lecture.figures import Setting, figure


@figure
@torch.no_grad()
def vae(setting: Setting) -> dict[str, Any]:
    """Draw how one digit goes through the VAE: x, mean and stddev, z, and x again."""
    known, held_out = lesson.load(setting.mnist)
    model = lesson.train(known.x, steps=setting.some(3000, 20))
    x = held_out.x[held_out.digit == 3][:1]
    posterior, noise = model.encode(x), torch.tensor([[0.8, -0.6]])
    z = posterior.mean + posterior.stddev * noise
    mean, stddev, code, eps = (
        "\n".join(f"{value:.2f}" for value in row[0])
        for row in (posterior.mean, posterior.stddev, z, noise)
    )
    page = Canvas(9.6, 3.6)
    page.picture((0.3, 1.3), 1.2, x[0])
    page.picture((8.1, 1.3), 1.2, model.decode(z)[0])
    page.text((0.9, 2.7), "x", fontsize=12)
    page.text((8.7, 2.7), "x′", fontsize=12)
    page.trapezoid(1.9, 3.2, 1.9, (1.9, 1.1), "encoder\nq(z|x)", BLUE)
    page.trapezoid(6.4, 7.6, 1.9, (1.1, 1.9), "decoder\np(x|z)", GREEN)
    page.box((3.6, 2.15), (0.8, 0.7), f"mean\n{mean}", fill=ORANGE)
    page.box((3.6, 0.95), (0.8, 0.7), f"stddev\n{stddev}", fill=ORANGE)
    page.box((5.3, 1.55), (0.8, 0.7), f"z\n{code}", fill=ORANGE)
    page.text((4.95, 3.2), f"noise from N(0, I)\n{eps.replace(chr(10), ', ')}", color=QUIET)
    _connect(page)
    found = {"kl": posterior.kl().item(), "reconstruction": -model.log_likelihood(x, z).item()}
    page.text((4, 0.3), f"KL(q(z|x) || N(0, I)) = {found['kl']:.1f} nats", color=RED)
    page.text((8.2, 0.3), f"−log p(x|z) = {found['reconstruction']:.1f} nats", color=RED)
    page.save(setting.output / "vae.png")
    return found


def _connect(page: Canvas) -> None:
    """Draw the arrows of the diagram."""
    for start, end in (
        ((1.55, 1.9), (1.87, 1.9)), ((3.2, 2.15), (3.57, 2.4)), ((3.2, 1.65), (3.57, 1.4)),
        ((4.4, 2.5), (5.27, 2.05)), ((4.4, 1.3), (5.27, 1.75)), ((6.1, 1.9), (6.37, 1.9)),
        ((7.6, 1.9), (8.05, 1.9)),
    ):  # fmt: skip
        page.arrow(start, end)
    page.arrow((5.05, 2.95), (5.55, 2.28))
    page.text((5.7, 1.36), "mean + stddev · noise", fontsize=8, color=QUIET)
    page.arrow((4, 0.45), (4, 0.9), colour=RED, dashed=True)
    page.arrow((8.2, 0.45), (8.6, 1.25), colour=RED, dashed=True)
