"""Are morphs even, and are their ends the reconstructions?

    python benchmarks/face_morphs.py FACES faces_64

Pairs of test faces are morphed in `--steps` frames. The size of a step between neighbouring frames
is measured in pixels (root mean square), in structure (the root of 1 - SSIM), in the face (the
perceived change by which frames are timed), and in the features of the judge
(benchmarks/judges.py). Evenness is the largest step of a morph over its smallest, 1 if all are
equal. The table has the median over pairs, the 95th percentile, and the share of morphs that stay
within a factor of 2, for the arc and the line, and with the steps timed by perceived change;
`flow`, timed so, is the default of `facevae morph`.
"""

from __future__ import annotations

import json

import click
import torch
from judges import classifier, data, read

import facevae
from facevae.classifier import classify
from facevae.measures import ssim
from vaecore import interpolate
from vaecore.paths import bent

SETTINGS = (
    ("slerp", "latent"),
    ("lerp", "latent"),
    ("lerp", "perceived"),
    ("slerp", "perceived"),
    ("flow", "perceived"),
)


@click.command(help=__doc__)
@data
@click.argument("model")
@click.option("--pairs", default=100)
@click.option("--steps", default=16)
@click.option("--json", "as_json", is_flag=True)
def main(faces, labels, cache, model, pairs, steps, as_json) -> None:
    judge = classifier("judge", faces, labels, cache)
    space = facevae.load(model)
    images = read(faces, labels, "test", space.codec.size, 2 * pairs).images
    # In the order of their names; each of the first half is paired with one of the second.
    z = space.posterior_of(images.float() / 255).mean
    ends = torch.stack([z[:pairs], z[pairs : 2 * pairs]], dim=1)
    exact = torch.cat([space.decode_to_examples(z[k : k + 1]) for k in range(2 * pairs)])
    report = {}
    for path, timing in SETTINGS:
        if path == "flow" and (space.prior is None or not space.prior.invertible):
            continue
        way = bent(space.prior.to_noise, space.prior.from_noise) if path == "flow" else path
        change = space.change if timing == "perceived" else None
        ratios, apart = {"pixels": [], "structure": [], "face": [], "features": []}, 0.0
        for k, pair in enumerate(ends):
            frames = space.decode_to_examples(interpolate(pair, steps, way, change))
            apart = max(
                apart,
                (frames[0] - exact[k]).abs().max().item(),
                (frames[-1] - exact[pairs + k]).abs().max().item(),
            )
            features = classify(judge, frames)[1]
            alike = ssim(frames[1:], frames[:-1])
            sizes = {
                "structure": (1 - alike).clamp(min=1e-9).sqrt(),
                "face": space.codec.change(frames).clamp(min=1e-9),
                "features": features.diff(dim=0).norm(dim=1),
                "pixels": frames.diff(dim=0).square().mean((1, 2, 3)).sqrt(),
            }
            for name, size in sizes.items():
                ratios[name].append((size.max() / size.min()).item())
        row = report[f"{path}, {timing}"] = {"ends": apart}
        for name, values in ratios.items():
            found = torch.tensor(values)
            row[name] = {
                "median": found.median().item(),
                "percentile_95": found.quantile(0.95).item(),
                "within_2": (found <= 2).double().mean().item(),
            }
    if as_json:
        click.echo(json.dumps(report, indent=1))
        return
    click.echo(
        f"{'way':18}{'measured in':14}{'median':>8}{'95 %':>8}{'within 2':>10}{'ends off by':>13}"
    )
    for way, found in report.items():
        for name in ("pixels", "structure", "face", "features"):
            figures = found[name]
            click.echo(
                f"{way:18}{name:14}{figures['median']:8.2f}{figures['percentile_95']:8.2f}"
                f"{figures['within_2']:10.0%}{found['ends']:13.1e}"
            )


if __name__ == "__main__":
    main()
