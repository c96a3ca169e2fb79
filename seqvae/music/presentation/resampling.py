"""Sound at another sample rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqvae.music.presentation.mastering import Long, Sound
from seqvae.music.presentation.stored import Room, in_memory

LONG = 60
"""Sound longer than this, in seconds, is resampled in parts of half as long."""
OVERLAP = 1
"""Seconds before and after a part that are resampled together with it."""


def resampled(audio: Long, sample_rate: int, wanted: int, room: Room = in_memory) -> Any:
    """Return sound `(2, samples)` at another sample rate, without aliasing.

    All frequencies below half of the lower rate are kept. Long sound is resampled in parts, which
    are faded where they overlap; this changes only frequencies within a few hertz of the limit.

    Args:
        audio: The sound, `(2, samples)`.
        sample_rate: Its samples per second.
        wanted: Samples per second of the result.
        room: Makes the array of a long result.
    """
    count = audio.shape[-1]
    if count <= LONG * sample_rate:
        return _resampled(audio[:, :], sample_rate, wanted)
    common = math.gcd(sample_rate, wanted)  # periods a second after which both rates coincide
    before, after = sample_rate // common, wanted // common
    length, beside = LONG // 2 * common, OVERLAP * common
    total = -(-count * after // before)
    found = room(total)
    for first in range(0, -(-count // before), length):
        start = max(first - beside, 0)
        part = audio[:, start * before : (first + length + beside) * before].copy()
        fade = np.linspace(0, 1, OVERLAP * sample_rate // 2, dtype=audio.dtype)
        if start:
            part[..., : len(fade)] *= fade
        if (first + length + beside) * before < count:
            part[..., -len(fade) :] *= fade[::-1]
        sound = _resampled(part, sample_rate, wanted)[..., (first - start) * after :]
        last = min((first + length) * after, total)
        found[:, first * after : last] = sound[:, : last - first * after]
    return found


def _resampled(audio: Sound, sample_rate: int, wanted: int) -> Sound:
    from scipy.fft import irfft, next_fast_len, rfft

    common = math.gcd(sample_rate, wanted)
    before, after = sample_rate // common, wanted // common
    count = audio.shape[-1]
    periods = next_fast_len(-(-count // before) + 1, real=True)
    spectrum = rfft(audio, periods * before, axis=-1)[..., : periods * after // 2 + 1]
    sound = irfft(spectrum, periods * after, axis=-1)[..., : -(-count * after // before)]
    return np.asarray(sound * (after / before), audio.dtype)
