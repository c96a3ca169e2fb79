"""Drum performances, composed hit by hit or drawn by lot."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqvae.music.reading.score import Score
from seqvae.music.representations.alphabet import DRUMS

STEP = 0.125
"""Seconds of a sixteenth at 120 bpm."""


def played(*hits: tuple[float, int, int], tempo: float = 120, **options) -> Score:
    """Return drums from (step, pitch, velocity); fractions of a step are micro-timing."""
    step, pitch, velocity = zip(*hits, strict=True)
    start = np.array(step) * STEP * 120 / tempo
    options = {"is_drum": True, **options}
    return Score.from_notes(start, start + 0.05, pitch, velocity, tempo=tempo, **options)


def performances(seed: int, n: int = 8, steps: int = 32) -> Tensor:
    """Return random performances."""
    rng = np.random.default_rng(seed)
    hits = rng.random((n, steps, DRUMS)) < 0.2
    velocity = rng.integers(1, 128, hits.shape) / 127 * hits
    offset = rng.uniform(-0.9, 0.9, hits.shape) * hits
    return torch.from_numpy(np.concatenate([hits, velocity, offset], -1).astype(np.float32))
