"""How the aggregate posterior of a data set compares with the N(0, I) prior."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian
from vaecore.errors import UsageError
from vaecore.files import replacing
from vaecore.seeds import seeded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVE_VARIANCE = 0.01
"""A unit is active if its posterior mean varies by more than this over the data (Burda et al.,
Importance Weighted Autoencoders, 2016, section 5.2)."""


@dataclass(frozen=True)
class LatentReport:
    """Statistics of an aggregate posterior: the mixture of the posteriors of all examples."""

    examples: int
    """Number of examples."""
    mean: Tensor
    """Mean of the aggregate posterior, `(latent_dim,)`."""
    stddev: Tensor
    """Standard deviation of the aggregate posterior, `(latent_dim,)`, 1 under the prior."""
    ks: Tensor
    """Kolmogorov-Smirnov distance of `samples` to N(0, 1), `(latent_dim,)` in [0, 1]."""
    kl: Tensor
    """KL of the posteriors to the prior, mean over examples, `(latent_dim,)` in nats."""
    active: Tensor
    """Whether the posterior mean varies by more than `ACTIVE_VARIANCE`, `(latent_dim,)`."""
    correlation: Tensor
    """Correlation of the aggregate posterior, `(latent_dim, latent_dim)`."""
    samples: Tensor = field(repr=False)
    """One posterior sample per example, `(examples, latent_dim)`."""

    @property
    def active_units(self) -> int:
        """Number of latent dimensions that the encoder uses."""
        return int(self.active.sum())

    @property
    def most_correlated(self) -> tuple[int, int, float] | None:
        """The two dimensions of largest absolute correlation, and that; None if there is one."""
        if len(self.mean) == 1:
            return None
        upper = self.correlation.triu(1)
        i, j = divmod(int(upper.abs().argmax()), len(upper))
        return i, j, upper[i, j].item()

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as JSON-able values, without samples and full correlation."""
        pair = self.most_correlated
        return {
            "examples": self.examples,
            "latent_dim": len(self.mean),
            "active_units": self.active_units,
            "kl_nats": self.kl.sum().item(),
            "most_correlated": pair and {"dimensions": pair[:2], "correlation": pair[2]},
            "dimensions": {
                "mean": self.mean.tolist(),
                "stddev": self.stddev.tolist(),
                "ks": self.ks.tolist(),
                "kl_nats": self.kl.tolist(),
                "active": self.active.tolist(),
            },
        }

    def plot(self, path: str | os.PathLike[str], dimensions: int = 50) -> None:
        """Draw a histogram of each of the first dimensions, with N(0, 1) over it.

        Args:
            path: Image file to write; its suffix chooses the format (.png, .pdf, .svg).
            dimensions: How many dimensions to draw, ten in a row.

        Raises:
            UsageError: The suffix belongs to no image format.
            DataError: The file cannot be written.
        """
        figure = _figure(self, min(dimensions, len(self.mean)))
        suffix = Path(path).suffix.lower().lstrip(".")
        if suffix not in figure.canvas.get_supported_filetypes():
            raise UsageError(f"{path}: not an image format; end the name in .png, .pdf or .svg")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=suffix, dpi=160)


def analyse(posterior: DiagonalGaussian, seed: int = 0) -> LatentReport:
    """Compare the aggregate posterior of a batch with N(0, I).

    Mean, standard deviation and correlation are those of the mixture of all posteriors, in
    closed form (law of total variance); active units are judged by the posterior means; the
    Kolmogorov-Smirnov distance and the histograms come from one sample per example.

    Args:
        posterior: Posteriors of the whole data set, `(examples, latent_dim)`.
        seed: Seed of the samples, from 0 to 2**63 - 1.

    Raises:
        ValueError: There are no posteriors.
    """
    n = len(posterior)
    if n == 0:
        raise ValueError("nothing to analyse: the batch of posteriors is empty")
    posterior = DiagonalGaussian(posterior.mean.detach().cpu(), posterior.stddev.detach().cpu())
    mean = posterior.mean.mean(0)
    centred = posterior.mean - mean
    covariance = centred.T @ centred / n
    active = covariance.diagonal() > ACTIVE_VARIANCE
    covariance = covariance + posterior.stddev.square().mean(0).diag()
    stddev = covariance.diagonal().sqrt()
    samples = posterior.sample(seeded(seed))
    return LatentReport(
        examples=n,
        mean=mean,
        stddev=stddev,
        ks=_ks_distance(samples),
        kl=posterior.kl_per_dimension().mean(0),
        active=active,
        correlation=covariance / stddev.outer(stddev),
        samples=samples,
    )


def _ks_distance(samples: Tensor) -> Tensor:
    """Return the largest gap between empirical and normal distribution functions, per column."""
    n = len(samples)
    normal = torch.special.ndtr(samples.sort(dim=0).values)
    rank = torch.arange(n, dtype=normal.dtype).unsqueeze(-1)
    # The empirical function jumps at each sample: both sides of the jump count.
    return torch.maximum(normal - rank / n, (rank + 1) / n - normal).amax(0)


def _figure(report: LatentReport, dimensions: int) -> Figure:
    """Draw small multiples: one filled histogram per dimension, all on the same axes."""
    from matplotlib.figure import Figure

    ink, quiet, faint = "#22262b", "#7c838c", "#c3c8ce"
    legend = {"N(0, 1)": "#cf3f52", "active": "#6c9bd1", "inactive": faint}
    shown = report.samples[:, :dimensions].float()
    reach = max(4.0, torch.quantile(shown.abs().amax(1), 0.9).item())
    bins = max(12, min(48, int(2 * len(shown) ** 0.5)))
    edges = torch.linspace(-reach, reach, bins + 1)
    width = 2 * reach / bins
    heights = [torch.histogram(column, edges).hist / len(shown) / width for column in shown.T]
    x = torch.linspace(-reach, reach, 401)
    normal = torch.exp(-0.5 * x.square()) / (2 * torch.pi) ** 0.5
    # A narrow histogram may run out of its panel; the normal curve stays readable.
    peak = torch.quantile(torch.stack([height.max() for height in heights]), 0.8).item()
    top = 1.15 * min(max(peak, 0.45), 1.6)

    columns = min(10, dimensions)
    rows = -(-dimensions // columns)
    wide, high = max(1.32 * columns, 6.6), 1.02 * rows + 1.0
    figure = Figure(figsize=(wide, high), facecolor="white")
    figure.subplots_adjust(
        left=0.02, right=0.98, top=1 - 0.74 / high, bottom=0.34 / high, hspace=0.3, wspace=0.1
    )
    for index, panel in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if index >= dimensions:
            panel.set_axis_off()
            continue
        colour = legend["active" if report.active[index] else "inactive"]
        panel.stairs(heights[index], edges, fill=True, color=colour, linewidth=0)
        panel.plot(x, normal, color=legend["N(0, 1)"], linewidth=1.1)
        panel.text(0.03, 0.97, index, transform=panel.transAxes, va="top", size=7.5, color=quiet)
        panel.set(xlim=(-reach, reach), ylim=(0, top), xticks=[], yticks=[])
        panel.spines[["top", "left", "right"]].set_visible(False)
        panel.spines["bottom"].set(color=faint, linewidth=0.8)
        if index + columns >= dimensions:
            mark = int(reach * 0.75)
            panel.set_xticks([-mark, 0, mark])
            panel.tick_params(length=2, color=faint, labelsize=6.5, labelcolor=quiet, pad=1.5)

    first, second = 1 - 0.17 / high, 1 - 0.43 / high
    summary = (
        f"examples: {report.examples:,}    active: {report.active_units} of {len(report.mean)} "
        f"dimensions    KL: {report.kl.sum():.1f} nats"
    )
    figure.text(0.02, first, "Aggregate posterior", size=12.5, color=ink, weight="bold", va="top")
    figure.text(0.02, second, summary, size=8.5, color=quiet, va="top")
    for place, (label, colour) in enumerate(legend.items()):
        right = 0.98 - 0.65 * place / wide
        figure.text(
            right, second, label, size=8.5, color=colour, weight="bold", ha="right", va="top"
        )
    return figure
