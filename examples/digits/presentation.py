"""Sheets of digits, and two figures of a latent space of two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from examples.digits import BOX
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image
    from torch import Tensor

    from examples.digits.codec import DigitCodec
    from examples.digits.lesson import Digits
    from vaecore.cli.outputs import Outputs
    from vaecore.model import VAE

DEFAULT_MODEL = "vae"
GAP, SIDE = 4, 48
"""Pixels between the digits of a sheet, and of a digit."""
COLUMNS = 9
COLOURS = (
    "#4878cf", "#d1495b", "#edae49", "#3d8361", "#8d6a9f",
    "#8c613c", "#e07be0", "#6b737c", "#b5c334", "#3bb3c3",
)  # fmt: skip
"""One for each digit."""
TITLES = {
    "autoencoder": "reconstruction only",
    "kl_only": "KL only",
    "vae": "reconstruction and KL",
}


class DigitPresentation(Presentation):
    """Pictures of digits in, a sheet of digits out."""

    outputs: Mapping[str, str] = {
        "interpolate": "interpolation.png",
        "palette": "palette.png",
        "sample": "samples.png",
        "reconstruct": "reconstruction.png",
        "edit": "edited.png",
        "similar": "similar.png",
    }
    reads = (".png", ".jpg", ".jpeg", ".bmp")
    suffixes = (".png",)

    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the model with both terms, once it is trained."""
        if not (BOX / DEFAULT_MODEL / "config.json").exists():
            remedy = "python -m examples.digits train makes some"
            raise DataError("there is no model yet", path=BOX, remedy=remedy)
        return Choice(DEFAULT_MODEL, "")

    def sources(
        self, codec: DigitCodec, inputs: Sequence[Input], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return each file's picture as the model sees it."""
        return [[Source(codec.read(each.path).first, each) for each in inputs]]

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write a sheet, with the originals first where there are any."""
        page = sheet(
            result.decoded([*result.originals, *result.examples]), result.columns or COLUMNS
        )
        page.save(outputs.add(outputs.main))
        return Written(f"{page.width} x {page.height} pixels")


def sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Return pictures of digits side by side, row by row."""
    from PIL import Image

    columns = min(columns, len(pictures))
    rows, step = -(-len(pictures) // columns), SIDE + GAP
    page = Image.new("L", (columns * step + GAP, rows * step + GAP), 200)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        enlarged = picture.resize((SIDE, SIDE), Image.Resampling.NEAREST)
        page.paste(enlarged, (GAP + column * step, GAP + row * step))
    return page


def latent_figure(models: Mapping[str, VAE], digits: Digits) -> Figure:
    """Draw where models put digits, a panel each, with the prior's circles of 1 and 2 sigma.

    Args:
        models: By mode, with a latent space of two dimensions.
        digits: What to encode.

    Raises:
        UsageError: A latent space has other than two dimensions.
    """
    import torch
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle

    figure = Figure(figsize=(3.5 * len(models), 3.9), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for panel, (mode, model) in zip(panels, models.items(), strict=True):
        _check_two_dimensional(model)
        with torch.no_grad():
            z = model.encode(digits.x).sample(torch.Generator().manual_seed(0))
            z = model.encode(digits.x).mean if mode == "autoencoder" else z
        colours = [COLOURS[digit] for digit in digits.digit]
        panel.scatter(*z.T, s=5, c=colours, alpha=0.8, linewidths=0, zorder=3)
        for radius in (1, 2):
            panel.add_patch(Circle((0, 0), radius, fill=False, color="#22262b", lw=0.7, ls=":"))
        reach = max(3.0, 1.05 * z.abs().max().item())
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        panel.set_title(TITLES.get(mode, mode), fontsize=11)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    marks = [Line2D([], [], marker="o", ls="", ms=5, color=colour) for colour in COLOURS]
    figure.legend(
        marks, range(10), loc="outside lower center", ncols=10, frameon=False,
        handletextpad=0.1, columnspacing=1.2, fontsize=9,
    )  # fmt: skip
    return figure


def manifold(model: VAE, cells: int = 16) -> Tensor:
    """Return the digits on a grid over the quantiles of N(0, I): `(cells, cells, side, side)`.

    Rows run from the top of the plane to its bottom, columns from left to right, so that every
    cell of the grid is as likely as any other under the prior.

    Raises:
        UsageError: The latent space has other than two dimensions.
    """
    import torch

    _check_two_dimensional(model)
    middles = torch.special.ndtri((torch.arange(cells) + 0.5) / cells)
    down, right = torch.meshgrid(middles.flip(0), middles, indexing="ij")
    with torch.no_grad():
        made = model.decode(torch.stack([right, down], -1).flatten(0, 1))
    return made.unflatten(0, (cells, cells))


def _check_two_dimensional(model: VAE) -> None:
    if model.latent_dim != 2:
        raise UsageError(f"a plane shows two latent dimensions, the model has {model.latent_dim}")
