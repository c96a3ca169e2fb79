"""Quality of a face model on held-out pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from facevae.measures import as_saved, gradient_energy, psnr, ssim
from vaecore.bounds import EvidenceBound, total
from vaecore.errors import DataError

if TYPE_CHECKING:
    from vaecore.model import VAE
    from vaecore.space import LatentSpace

MEASURED_AT_ONCE = 64


def evaluate(
    space: LatentSpace[Any],
    paths: Iterable[str | Path],
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Measure a model on pictures, read one chunk at a time.

    Args:
        space: The model.
        paths: Files of faces framed like those the model was trained on. Files that cannot be used
            are counted, and named with the reason, in the result.
        seed: Of the posterior draws.
        limit: At most this many files, at even distances; None takes every one.
        split: "train", "validation" or "test": the paths are folders, and only those of their
            images count that a training on the folder uses as this split.

    Returns:
        The figures of `measure`, with `model`, `files` and `skipped` (reason by file).

    Raises:
        DataError: Not one file can be used.
    """
    paths = _divided(paths, split) if split else list(paths)
    if limit is not None and len(paths) > limit:
        paths = [paths[int(i)] for i in torch.linspace(0, len(paths) - 1, limit)]
    skipped: dict[str, str] = {}
    read = _read(space, paths, skipped)
    first = next(read, None)
    if first is None:
        reason = next(iter(skipped.values()), "there is none")
        raise DataError(f"no usable picture in {len(skipped)} files ({reason})")
    figures = measure(space.model, chain([first], read), seed)
    return {"model": space.name, "files": figures["examples"], **figures, "skipped": skipped}


@torch.no_grad()
def measure(model: VAE, x: Tensor | Iterable[Tensor], seed: int = 0) -> dict[str, Any]:
    """Measure a model on pictures; the model should be in evaluation mode.

    Reconstructions are decoded from the posterior mean, and measured as they are written to a
    file, rounded to 8 bits.

    Args:
        model: The model.
        x: Pictures `(n, 3, size, size)` in [0, 1], or batches of them.
        seed: Of the posterior draws.

    Returns:
        `examples`: n.
        `psnr`: peak signal-to-noise ratio of the reconstructions in dB, mean over pictures.
        `ssim`: structural similarity of reconstructions and originals, mean over pictures.
        `sharpness`: gradient energy of all reconstructions over that of all originals.
        `nll`: -log p(x|z) in nats per picture, z one draw from the posterior.
        `kl_nats`: KL(q(z|x) || N(0, I)) in nats per picture.
        `elbo`: -(nll + kl_nats).

    Raises:
        DataError: There is no picture.
    """
    bound, sums = EvidenceBound(seed), dict.fromkeys(("psnr", "ssim", "ours", "theirs"), 0.0)
    for batch in [x] if isinstance(x, Tensor) else x:
        for part in batch.split(MEASURED_AT_ONCE):
            rows = part.to(model.device)
            posterior = bound.add(model, rows)
            decoded = as_saved(model.decode(posterior.mean))
            found = {
                "psnr": psnr(decoded, rows),
                "ssim": ssim(decoded, rows),
                "ours": gradient_energy(decoded),
                "theirs": gradient_energy(rows),
            }
            for name, values in found.items():
                sums[name] += total(values)
    n = bound.examples
    if n == 0:
        raise DataError("there is no picture to measure on")
    return {
        "examples": n,
        "psnr": sums["psnr"] / n,
        "ssim": sums["ssim"] / n,
        # Pictures of one colour have no edges to lose; a ratio of 0 to 0 would be no number.
        "sharpness": sums["ours"] / sums["theirs"] if sums["theirs"] else 1.0,
        **bound.figures(),
    }


def _divided(roots: Iterable[str | Path], split: str) -> list[str | Path]:
    """Return the images of a split of each folder."""
    from facevae.codec import FaceCodec
    from facevae.data.folder import FaceFolder

    parts = [FaceFolder(root, FaceCodec()).split(split) for root in roots]
    return [part.path(index) for part in parts for index in range(len(part))]


def _read(
    space: LatentSpace[Any], paths: Iterable[Any], skipped: dict[str, str]
) -> Iterator[Tensor]:
    """Yield batches of the files' examples, and note down those that cannot be used."""
    rows: list[Tensor] = []
    for path in paths:
        try:
            rows.append(space.codec.encode(path))
        except DataError as error:
            skipped[str(path)] = error.problem
            continue
        if len(rows) == MEASURED_AT_ONCE:
            yield torch.stack(rows)
            rows = []
    if rows:
        yield torch.stack(rows)
