"""Mastering: tone, stereo width, loudness and peaks of sound.

Sound is an array `(channels, samples)`, or long sound in a file (`stored.Stored`); full scale is 1.
Filters are applied to spectra, and gains are computed for blocks of a millisecond, so that a minute
of music takes a fraction of a second. Long sound is processed in parts, to save memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[Any]
Long = Any
"""An array `(channels, samples)`, or `stored.Stored`; `[:, a:b]` reads and writes its parts."""

LOUDNESS = -16.0
"""Target loudness in LUFS (ITU-R BS.1770-4), the usual one of music on the web."""

PEAK = -1.0
"""Highest true peak in dBTP: headroom for lossy coding, which overshoots."""

_LIMIT = 9.0  # most decibels by which the limiter lowers a peak
_REACH = 5  # milliseconds around a peak in which the limiter lowers the gain
_OVERSHOOT = 0.7  # true peaks are searched where samples reach this share of the highest one
_BLOCK, _MARGIN = 256, 32  # samples of a block of this search, and of its margins

_STEP, _RING = 2**14 + 2**13, 2**13  # new samples of a filtered block, and those of its ringing
_TOGETHER = 64  # blocks that are filtered together: half a minute
_AT_ONCE = 4096  # blocks in which true peaks are searched together: 20 seconds

_LESS = 10 ** (-4 / 20)  # gain that keeps the loudness of drums about the same
_DRUMS = ((100.0, 3.0), (500.0, 4.0), (3000.0, -3.0))  # shelves: Hz, dB
_BASS = 200.0  # Hz; below it the sound stays in the middle
_WIDTH = 0.45  # level of the side signal relative to the middle
# Delays in milliseconds and signs of the echoes that are added left and subtracted right.
_ECHOES = ((1.3, 1), (3.1, -1), (5.9, 1), (8.3, 1), (11.7, -1), (14.9, 1), (19.1, -1), (23.3, -1))


# Filters


def drum_tone(audio: Long, sample_rate: int) -> None:
    """Lower drums below 100 Hz, and raise them between 0.5 and 3 kHz, in place."""
    first = 0
    for part in _filtered_parts(audio, [_shelf(*step, sample_rate) for step in _DRUMS]):
        audio[:, first : first + part.shape[-1]] = part * np.float32(_LESS)
        first += part.shape[-1]


def wide(audio: Long, sample_rate: int) -> None:
    """Widen the stereo image of sound in place; its mono sum stays the same.

    The sound without its bass, spread in time by a few echoes of either sign, is added left and
    subtracted right (velvet noise; Alary, Politis and Valimaki, 2017).

    Args:
        audio: `(2, samples)`; it is changed.
        sample_rate: Samples per second.
    """
    delays = [round(milliseconds / 1000 * sample_rate) for milliseconds, _ in _ECHOES]
    first, before = 0, np.zeros(max(delays), audio.dtype)
    bass = _high_pass(_BASS, 0.7071, sample_rate)
    for part in _filtered_parts(audio, [bass], mono=True):
        middle, side = np.concatenate([before, part]), np.zeros_like(part)
        for delay, (_, sign) in zip(delays, _ECHOES, strict=True):
            begin = len(before) - delay
            side += sign * middle[begin : begin + len(part)]
        side *= _WIDTH / math.sqrt(len(_ECHOES))
        left, right = audio[:, first : first + len(part)]
        audio[:, first : first + len(part)] = np.stack([left + side, right - side])
        first, before = first + len(part), middle[-len(before) :]


def _filtered_parts(
    audio: Long, sections: list[list[float]], mono: bool = False
) -> Iterator[Sound]:
    """Yield filtered sound in parts of half a minute, computed by overlap-add.

    A part of the array may be changed as soon as that part was yielded.

    Args:
        audio: `(channels, samples)`.
        sections: Coefficients b0, b1, b2, a0, a1, a2 of second-order filters that ring for at most
            8192 samples.
        mono: Filter the mean of the channels, `(samples,)`.
    """
    from scipy.fft import irfft, rfft

    size = _STEP + _RING
    z = np.exp(-2j * np.pi / size * np.arange(size // 2 + 1))
    response = np.ones_like(z)
    for b0, b1, b2, a0, a1, a2 in sections:
        response *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
    ringing: Any = 0
    for first in range(0, audio.shape[-1], _TOGETHER * _STEP):
        part = audio[:, first : first + _TOGETHER * _STEP]
        part = part.mean(0) if mono else part
        blocks = np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, -part.shape[-1] % _STEP)])
        spectrum = rfft(blocks.reshape(*part.shape[:-1], -1, _STEP), size, axis=-1)
        sound = irfft(spectrum * response.astype(spectrum.dtype), size, axis=-1)
        sound[..., 1:, :_RING] += sound[..., :-1, _STEP:]
        sound[..., 0, :_RING] += ringing
        ringing = sound[..., -1, _STEP:].copy()
        whole = sound[..., :_STEP].reshape(*part.shape[:-1], -1)
        yield whole[..., : part.shape[-1]]


def _shelf(frequency: float, decibels: float, sample_rate: int, q: float = 0.7071) -> list[float]:
    """Return a high shelf: a filter that raises the sound above a frequency in Hz.

    It is the shelf of BS.1770, from its analogue parameters by the bilinear transform.
    """
    k = math.tan(math.pi * frequency / sample_rate)
    high = 10 ** (decibels / 20)
    middle = high**0.4996667741545416
    zeros = [high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k]
    return [*zeros, 1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]


def _high_pass(frequency: float, q: float, sample_rate: int) -> list[float]:
    """Return a high-pass filter with its cutoff in Hz."""
    k = math.tan(math.pi * frequency / sample_rate)
    return [1, -2, 1, 1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]


# Loudness and peaks


def normalize(audio: Long, sample_rate: int, in_place: bool = False) -> Any:
    """Scale sound to -16 LUFS, or as near to it as a true peak of -1 dBTP allows.

    Peaks are limited by at most 9 dB.

    Args:
        audio: `(channels, samples)`, at any level. Silence stays silence.
        sample_rate: Samples per second.
        in_place: Change this sound instead of a copy; needed for sound in a file.

    Returns:
        Sound of the same shape.
    """
    ceiling = 10 ** (PEAK / 20)
    highest = true_peak(audio)
    limited = audio if in_place else np.array(audio)
    if highest == 0:
        return limited
    loudest = ceiling / highest * 10 ** (_LIMIT / 20)
    peaks = _peaks(audio, sample_rate)
    power = _power(audio, sample_rate)
    # Limiting lowers the loudness, so the gain is found by iteration. As gains change slowly, they
    # are applied to the power after the loudness filters, which need not run again.
    gain, turned_down = 1.0, np.ones_like(peaks)
    for _ in range(6):
        step = 10 ** ((LOUDNESS - _gated(power * (gain * turned_down) ** 2)) / 20)
        gain = min(gain * step, loudest)
        if gain * peaks.max() <= ceiling:
            break
        turned_down = _turned_down(gain * peaks, ceiling)
    _turn(limited, gain * turned_down, sample_rate)
    last = np.float32(min(1.0, ceiling / true_peak(limited)))
    for part in _places(limited):
        limited[:, part] = limited[:, part] * last
    return limited


def _places(audio: Long, length: int = 1) -> Iterator[slice]:
    """Yield slices of about half a minute, in multiples of `length` samples."""
    step = _TOGETHER * _STEP // length * length
    for first in range(0, audio.shape[-1], step):
        yield slice(first, first + step)


def _peaks(audio: Long, sample_rate: int) -> Sound:
    """Return the highest absolute sample of each millisecond, `(blocks,)`."""
    places = _places(audio, _block_length(sample_rate))
    highest = (np.abs(audio[:, place]).max(0) for place in places)
    return np.concatenate([_in_blocks(part, sample_rate).max(1) for part in highest])


def _block_length(sample_rate: int) -> int:
    """Return the number of samples of a millisecond."""
    return max(round(sample_rate / 1000), 1)


def _in_blocks(values: Sound, sample_rate: int) -> Sound:
    """Return values of samples in blocks of a millisecond, `(blocks, samples of a block)`."""
    length = _block_length(sample_rate)
    return np.pad(values, (0, -len(values) % length)).reshape(-1, length)


def _turn(audio: Long, gain: Sound, sample_rate: int) -> None:
    """Multiply sound in place by the gains of blocks, interpolated between their middles."""
    length = _block_length(sample_rate)
    middles = length * np.arange(len(gain)) + (length - 1) / 2
    for place in _places(audio):  # in parts, as gains are in double precision
        part = audio[:, place]
        samples = np.arange(place.start, place.start + part.shape[-1])
        audio[:, place] = part * np.interp(samples, middles, gain).astype(audio.dtype)


def _turned_down(peaks: Sound, ceiling: float) -> Sound:
    """Return the gain of the limiter for each block.

    It is a moving mean of moving minima of the gains that blocks need. Each of these minima covers
    the block, so that the mean is never larger than the gain that the block needs.
    """

    def around(values: Sound, reach: int) -> Sound:
        padded = np.pad(values, reach, mode="edge")
        return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)

    needed = ceiling / np.maximum(around(peaks, _REACH).max(-1), ceiling)
    return np.asarray(around(needed, _REACH - 1).mean(-1))


def loudness(audio: Long, sample_rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); sound may be of any length."""
    return _gated(_power(audio, sample_rate))


def _power(audio: Long, sample_rate: int) -> Sound:
    """Return the K-weighted power of each millisecond, summed over channels (BS.1770).

    The standard gives its two filters for 48 kHz; these are their analogue parameters.
    """
    head = _shelf(1681.974450955533, 3.999843853973347, sample_rate, 0.7071752369554196)
    low = _high_pass(38.13547087602444, 0.5003270373238773, sample_rate)
    low[3:] = [a / low[3] for a in low[3:]]  # as in the standard
    length, found, rest = _block_length(sample_rate), [], np.zeros(0, audio.dtype)
    for part in _filtered_parts(audio, [head, low]):
        power = np.concatenate([rest, np.square(part).sum(0)])
        whole = len(power) // length * length
        found.append(_in_blocks(power[:whole], sample_rate).mean(1, dtype=np.float64))
        rest = power[whole:]
    found.append(_in_blocks(rest, sample_rate).mean(1, dtype=np.float64))
    return np.concatenate(found)


def _gated(power: Sound) -> float:
    """Return the loudness in LUFS of weighted power: over blocks of 0.4 s, without quiet ones."""
    tenths = power[: len(power) // 100 * 100].reshape(-1, 100).mean(1)
    if len(tenths) < 4:  # shorter than a block
        blocks = np.array([power.sum() / 400])
    else:
        blocks = np.convolve(tenths, np.full(4, 0.25), "valid")
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if len(blocks) == 0:
        return -math.inf
    loud = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * math.log10(loud.mean()))


def true_peak(audio: Long) -> float:
    """Return the highest amplitude at four times the sample rate, and so between samples, too.

    Only the neighbourhood of samples within 3 dB of the highest one is searched.
    """
    parts = (audio[:, place] for place in _places(audio))
    highest = max((max(float(p.max()), -float(p.min())) for p in parts), default=0.0)
    if highest == 0:
        return 0.0
    found = highest
    for first in range(0, audio.shape[-1], _AT_ONCE * _BLOCK):
        last = first + _AT_ONCE * _BLOCK
        part = audio[:, max(first - _MARGIN, 0) : last + _MARGIN]
        lacking = _MARGIN - min(first, _MARGIN), max(last + _MARGIN - audio.shape[-1], 0)
        lacking = lacking[0], min(lacking[1], _MARGIN + -audio.shape[-1] % _BLOCK)
        found = max(found, _between(np.pad(part, ((0, 0), lacking)), highest))
    return found


def _between(padded: Sound, highest: float) -> float:
    """Return the highest amplitude between the samples of blocks that have margins at both ends."""
    from scipy.fft import irfft, rfft

    size = _BLOCK + 2 * _MARGIN
    blocks = np.lib.stride_tricks.sliding_window_view(padded, size, axis=-1)[:, ::_BLOCK]
    near = blocks[np.abs(blocks).max(-1) >= _OVERSHOOT * highest]
    if not len(near):
        return 0.0
    # The transform is periodic: faded at both ends, a block has no jump there.
    fade = np.sin(np.linspace(0, np.pi / 2, _MARGIN)) ** 2
    faded = near * np.concatenate([fade, np.ones(_BLOCK), fade[::-1]]).astype(padded.dtype)
    between = irfft(4 * rfft(faded, axis=-1), 4 * size, axis=-1)
    return float(np.abs(between[:, 4 * _MARGIN : -4 * _MARGIN]).max())
