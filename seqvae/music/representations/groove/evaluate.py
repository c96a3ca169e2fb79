"""Quality of a model of performances: velocities and timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqvae.music.representations.groove.performance import (
    blocks,
    hit_classes,
    offset_histogram,
    stiffened,
    velocity_histogram,
)
from seqvae.music.representations.measuring import jensen_shannon
from vaecore.seeds import following

if TYPE_CHECKING:
    from vaecore.model import VAE

MEASURED_AT_ONCE = 256
"""Performances that are decoded together."""
STEP_MS = 125.0
"""Milliseconds of a sixteenth at 120 bpm."""


@torch.no_grad()
def measure(model: VAE, x: Tensor, seed: int = 0) -> dict[str, float]:
    """Measure velocities and timing of a model on performances `(n, steps, 27)`.

    Returns:
        `velocity_error`, `timing_error_ms`: mean absolute error of the greedy reconstruction, over
            hits that it has in common with the original; in MIDI velocities, and in milliseconds
            at 120 bpm.
        `humanized_velocity_error`, `humanized_timing_error_ms`: the same of `humanize` at
            temperature 0, which has the original's hits, over all hits.
        `quantised_timing_error_ms`: mean distance of the hits from the grid.
        `humanized_velocity_divergence`, `humanized_timing_divergence`: distance of the
            distributions at temperature 1 from the drummers' (Jensen-Shannon divergence in bits,
            0 for equal to 1 for disjoint).
    """
    decoder: Any = model.decoder  # that of a `SequenceVAE`, whose `generate` takes hits
    parts: list[tuple[Tensor, ...]] = []
    for number, part in enumerate(x.split(MEASURED_AT_ONCE)):
        rows = part.to(model.device)
        z, hits = model.encode(stiffened(rows)).mean, hit_classes(rows)
        made = (
            model.decode(model.encode(rows).mean),
            decoder.generate(z, 0.0, seed, hits),
            decoder.generate(z, 1.0, following(seed, number), hits),
        )
        parts.append(tuple(each.cpu() for each in made))
    kept, humanized, drawn = map(torch.cat, zip(*parts, strict=True))
    (velocity, timing), (given, guessed) = errors(x, kept), errors(x, humanized)
    return {
        "velocity_error": velocity.mean().item(),
        "timing_error_ms": timing.mean().item() * STEP_MS,
        "humanized_velocity_error": given.mean().item(),
        "humanized_timing_error_ms": guessed.mean().item() * STEP_MS,
        "quantised_timing_error_ms": errors(x, stiffened(x))[1].mean().item() * STEP_MS,
        "humanized_velocity_divergence": jensen_shannon(*map(velocity_histogram, (drawn, x))),
        "humanized_timing_divergence": jensen_shannon(*map(offset_histogram, (drawn, x))),
    }


def errors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return absolute differences of the hits that performances have in common, `(hits,)` each.

    Returns:
        Those of velocity, in MIDI velocities, and those of timing, in steps.
    """
    (hits, loudness, time), (others, other_loudness, other_time) = blocks(x), blocks(y)
    both = (hits > 0.5) & (others > 0.5)
    return (
        127 * (loudness - other_loudness)[both].abs(),
        0.5 * (time - other_time)[both].abs(),
    )
