"""Quality of a model of chords and piano: which notes come back, and how long they last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqvae.music.representations.piano.texture import ended, rolls
from vaecore.seeds import following

if TYPE_CHECKING:
    from vaecore.model import VAE

MEASURED_AT_ONCE = 256
"""Windows that are decoded together."""
CLOSE = 1
"""A length is kept if it differs by at most so many steps."""


@torch.no_grad()
def measure(model: VAE, x: Tensor, seed: int = 0) -> dict[str, float]:
    """Measure a model on windows `(n, steps, 2 notes)`.

    Returns:
        `note_f1`: of greedy reconstructions, the harmonic mean of precision and recall of notes,
            with pitch and onset exact.
        `note_length_f1`: the same of notes whose length is right to a step, too.
        `sampled_note_f1`, `sampled_note_length_f1`: both of reconstructions at temperature 1.
    """
    parts = []
    for number, part in enumerate(x.split(MEASURED_AT_ONCE)):
        z = model.infer(part.to(model.device)).mean
        made = (model.decode(z), model.decode(z, 1.0, following(seed, number)))
        parts.append(torch.stack([_counts(part, each.cpu()) for each in made]))
    greedy, sampled = torch.stack(parts).sum(0)
    return {**_f1(greedy), **{f"sampled_{name}": value for name, value in _f1(sampled).items()}}


def figures_of(x: Tensor, y: Tensor) -> dict[str, float]:
    """Return shares of the notes of windows x that windows y have, and F1 as `measure`."""
    notes, _, both, close = (counts := _counts(x, y)).tolist()
    some = max(notes, 1)
    return {"notes_kept": both / some, "lengths_kept": close / some, **_f1(counts)}


def _counts(x: Tensor, y: Tensor) -> Tensor:
    """Return numbers of notes of x, of y, of both, and of both with their length, `(4,)`."""
    first, second = (ended(rolls(each)) for each in (x, y))
    both = (first > 0) & (second > 0)
    close = both & ((first - second).abs() <= CLOSE)
    return torch.stack([each.sum() for each in (first > 0, second > 0, both, close)])


def _f1(counts: Tensor) -> dict[str, float]:
    notes, others, both, close = counts.tolist()
    all_notes = max(notes + others, 1)
    return {"note_f1": 2 * both / all_notes, "note_length_f1": 2 * close / all_notes}
