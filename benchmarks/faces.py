"""How good are the reconstructions and the samples of face models?

    python benchmarks/faces.py FACES runs/lecture runs/vanilla faces_64 --plot docs/faces.png
    python benchmarks/faces.py FACES faces_64 --train 20

Every model is measured on the test part of the folder, which was used neither to train nor to
choose a model. `--train MINUTES` first trains two baselines, the presets `lecture` and `vanilla`,
for that long each, and measures them as well.

psnr, ssim, sharpness and KL are those of `facevae evaluate`. The Fréchet distances are taken in the
features of the judge (benchmarks/judges.py) between the test faces and their reconstructions, and
as many samples from N(0, I) and from the prior fitted to the aggregate posterior; the last row has
other real faces. `rates` is the mean difference, over all attributes, between the share of the
prior's samples that the judge classifies as having it and the share of the test faces: 0.02 is 2
percentage points.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from figures import pair, save
from judges import classifier, data, read
from torch import Tensor

import facevae
from facevae.classifier import FaceClassifier, classify
from facevae.data.labels import read_labels
from facevae.data.parts import Data
from facevae.evaluate import measure
from facevae.frechet import frechet_distance
from facevae.measures import as_saved, gradient_energy
from facevae.presets import load_preset
from facevae.train import train
from vaecore.space import LatentSpace

BASELINES = ("lecture", "vanilla")
AT_ONCE = 128


def decoded(space: LatentSpace, codes: Tensor) -> Tensor:
    """Return the pictures of codes as they are saved, uint8 `(n, 3, size, size)`."""
    parts = [as_saved(space.decode_to_examples(z)) for z in codes.split(AT_ONCE)]
    return (torch.cat(parts) * 255).round().byte()


def against(judge: FaceClassifier, pictures: Tensor, real: Tensor) -> dict[str, float]:
    """Compare pictures with real ones: Fréchet distance, attribute rates, sharpness."""
    ours, theirs = classify(judge, pictures), classify(judge, real)
    rates = (ours[0] > 0.5).double().mean(0), (theirs[0] > 0.5).double().mean(0)
    energy = [gradient_energy(x.float() / 255).mean().item() for x in (pictures, real)]
    return {
        "frechet": frechet_distance(ours[1].numpy(), theirs[1].numpy()),
        "rates": (rates[0] - rates[1]).abs().mean().item(),
        "sharpness": energy[0] / energy[1],
        "seen": dict(zip(judge.names, (round(r, 4) for r in rates[0].tolist()), strict=True)),
    }


def row(space: LatentSpace, name: str, faces: Path, labels, judge, limit: int, seed: int) -> dict:
    """Return all figures of a model."""
    real = read(faces, labels, "test", space.codec.size, limit).images
    batches = (part.float() / 255 for part in real.split(AT_ONCE))
    figures = {"model": name, "latent_dim": space.latent_dim, **measure(space.model, batches, seed)}
    codes = torch.cat([space.posterior_of(part.float() / 255).mean for part in real.split(AT_ONCE)])
    figures["reconstructions"] = against(judge, decoded(space, codes), real)
    fitted = [] if space.prior is None else [("prior", space.prior.kind)]
    for title, prior in [("normal", "normal"), *fitted]:
        pictures = decoded(space, space.sample_codes(len(real), seed, prior))
        figures[title] = against(judge, pictures, real)
    return figures


@click.command(help=__doc__)
@data
@click.argument("models", nargs=-1)
@click.option("--train", "minutes", type=float, help="Train each baseline for so long.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--limit", default=0, help="At most this many test faces; 0 for all.")
@click.option("--seed", default=0, help="Seed of the samples.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the trade-off as PNG.")
def main(faces, labels, cache, models, minutes, runs, limit, seed, as_json, plot) -> None:
    judge = classifier("judge", faces, labels, cache)
    if minutes:
        for name in BASELINES:
            preset = load_preset(name, [f"training.max_minutes={minutes}"])
            table = read_labels(labels or faces.parent / "attributes.csv")
            train(preset, Data.of(faces, preset.make_codec(), table), runs / name)
        models = [*(str(runs / name) for name in BASELINES), *models]
    rows = [row(facevae.load(name), name, faces, labels, judge, limit, seed) for name in models]
    test, others = (
        read(faces, labels, part, limit=limit).images for part in ("test", "validation")
    )
    floor = against(judge, others, test)
    if as_json:
        click.echo(json.dumps({"models": rows, "data": floor}, indent=1))
    else:
        show(rows, floor)
    if plot:
        draw(rows, floor, plot)


def show(rows: list[dict], floor: dict) -> None:
    """Print the table."""
    titles = ("psnr", "ssim", "sharpness", "kl_nats")
    click.echo(
        f"{'model':24}" + "".join(f"{title:>10}" for title in titles)
        + f"{'Fréchet:':>12}{'recon.':>8}{'N(0,I)':>8}{'prior':>8}{'rates':>8}"
    )  # fmt: skip
    for figures in rows:
        prior = figures.get("prior", figures["normal"])
        distances = (figures["reconstructions"], figures["normal"], prior)
        click.echo(
            f"{Path(figures['model']).name:24}"
            f"{figures['psnr']:10.2f}{figures['ssim']:10.3f}{figures['sharpness']:10.3f}"
            f"{figures['kl_nats']:10.1f}{'':12}"
            + "".join(f"{each['frechet']:8.2f}" for each in distances)
            + f"{prior['rates']:8.3f}"
        )
    click.echo(f"{'(other real faces)':24}{'':76}{floor['frechet']:8.2f}{floor['rates']:8.3f}")


def draw(rows: list[dict], floor: dict, path: Path) -> None:
    """Draw the quality of reconstructions and of samples against the KL."""
    figure, (left, right) = pair()
    rows = sorted(rows, key=lambda figures: figures["kl_nats"])
    kl = [figures["kl_nats"] for figures in rows]
    left.plot(kl, [figures["psnr"] for figures in rows], "o-", color="#28587b", label="PSNR")
    for prior, colour in (("normal", "#e07a5f"), ("prior", "#3d9970")):
        curve = [figures.get(prior, {}).get("frechet", np.nan) for figures in rows]
        label = {"normal": "samples from N(0, I)", "prior": "samples from the fitted prior"}
        right.plot(kl, curve, "o-", color=colour, label=label[prior])
    right.axhline(floor["frechet"], color="#999999", linestyle=":", label="other real faces")
    for figures, x in zip(rows, kl, strict=True):
        place = (x, figures["psnr"])
        left.annotate(Path(figures["model"]).name, place, fontsize=6, xytext=(3, -8),
                      textcoords="offset points")  # fmt: skip
    left.set(xlabel="KL (nats)", ylabel="PSNR (dB)", title="what is kept, unseen faces")
    right.set(xlabel="KL (nats)", ylabel="Fréchet distance", title="what is invented")
    save(figure, path)


if __name__ == "__main__":
    main()
