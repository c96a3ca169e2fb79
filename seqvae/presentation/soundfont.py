"""A player for SoundFont 2 banks, in NumPy and torch.

Python packages that play SoundFonts need system libraries, or play them out of tune; and the
format is plain: samples, and tables of "generators" that say how to play them, numbered as in the
SoundFont 2.04 specification, section 8.1.2. Played are samples with loops, tuning, volume and
modulation envelopes, the low-pass filter, panning and exclusive classes; not played are LFOs,
reverb, chorus and controllers other than velocity.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vaecore.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 44100
"""Samples per second of what is played; that of nearly all samples in SoundFonts."""

_BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
_GENERATOR = np.dtype([("kind", "<u2"), ("amount", "<i2")])
_TABLES = {
    b"phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"),
                       ("_", "V12")]),
    b"pbag": _BAG,
    b"pgen": _GENERATOR,
    b"inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    b"ibag": _BAG,
    b"igen": _GENERATOR,
    b"shdr": np.dtype([("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"),
                       ("loop_end", "<u4"), ("rate", "<u4"), ("key", "u1"), ("correction", "i1"),
                       ("link", "<u2"), ("type", "<u2")]),
    b"smpl": np.dtype("<i2"),
}  # fmt: skip

# The generators we play, by their number, with their default.
_FILTER, _RESONANCE, _MOD_TO_FILTER, _PAN = 8, 9, 11, 17
_MOD_ENVELOPE, _VOLUME_ENVELOPE = 25, 33  # delay, attack, hold, decay, sustain, release follow
_INSTRUMENT, _KEYS, _VELOCITIES, _ATTENUATION = 41, 43, 44, 48
_COARSE, _FINE, _SAMPLE, _LOOPS, _SCALE, _CLASS, _ROOT = 51, 52, 53, 54, 56, 57, 58
_DEFAULTS = {
    _FILTER: 13500, _SCALE: 100, _ROOT: -1,
    25: -12000, 26: -12000, 27: -12000, 28: -12000, 30: -12000,
    33: -12000, 34: -12000, 35: -12000, 36: -12000, 38: -12000,
}  # fmt: skip
# Where a sample begins, ends and loops, in samples and in units of 32768.
_OFFSETS = {"start": (0, 4), "end": (1, 12), "loop_start": (2, 45), "loop_end": (3, 50)}
_ONLY_IN_INSTRUMENTS = {0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 54, 57, 58}

_BLOCK = 256  # the filter moves in steps of 6 ms


class Tone(NamedTuple):
    """One sounding note: stereo sound, `(2, samples)`, and the class in which only one sounds."""

    audio: NDArray[np.float32]
    exclusive_class: int


@dataclass(frozen=True)
class _Region:
    """One sample on a range of keys and velocities, with everything that shapes it."""

    generators: dict[int, int]
    samples: NDArray[np.int16]
    loop: tuple[int, int]
    rate: int
    key: int
    correction: int

    def get(self, kind: int) -> int:
        return self.generators.get(kind, _DEFAULTS.get(kind, 0))


class SoundFont:
    """A bank of instruments, read from an `.sf2` file.

    Raises:
        DataError: The file is no SoundFont 2 bank, or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        try:
            with open(path, "rb") as file:
                data = file.read()
            if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
                raise ValueError("no RIFF sfbk")
            self._tables = {
                name: np.frombuffer(chunk, _TABLES[name])
                for kind, body in _chunks(memoryview(data)[12:])
                if kind == b"LIST"
                for name, chunk in _chunks(body[4:])
                if name in _TABLES
            }
            self._presets = {
                (int(p["bank"]), int(p["program"])): k
                for k, p in enumerate(self._tables[b"phdr"][:-1])
            }
            self._samples = self._tables[b"smpl"]
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise DataError(f"cannot be read ({reason})", path=path) from error
        except (ValueError, KeyError) as error:
            raise DataError(
                "is not a SoundFont 2 bank", path=path, remedy="name an .sf2 file"
            ) from error
        self.tone = lru_cache(maxsize=64)(self._tone)

    def _tone(self, program: int, is_drum: bool, key: int, velocity: int, samples: int) -> Tone:
        """Play one note that is held for so many samples at 44100 Hz, and let it fade."""
        try:
            regions = [
                region
                for region in self._regions(program, is_drum)
                if _holds(region.get(_KEYS), key) and _holds(region.get(_VELOCITIES), velocity)
            ]
        except (IndexError, KeyError) as error:  # a table points outside another
            raise DataError("is a damaged SoundFont", path=self._path) from error
        voices = [_play(region, key, velocity, samples) for region in regions]
        audio = np.zeros((2, max((v.shape[1] for v in voices), default=0)), np.float32)
        for voice in voices:
            audio[:, : voice.shape[1]] += voice
        return Tone(audio, max((r.get(_CLASS) for r in regions), default=0))

    def _regions(self, program: int, is_drum: bool) -> list[_Region]:
        bank = 128 if is_drum else 0
        preset = self._presets.get((bank, program), self._presets.get((bank, 0)))
        if preset is None:
            return []
        regions = []
        for outer in self._zones(b"phdr", b"pbag", b"pgen", preset, _INSTRUMENT):
            for inner in self._zones(b"inst", b"ibag", b"igen", outer[_INSTRUMENT], _SAMPLE):
                regions.append(self._region(outer, inner))
        return regions

    def _zones(
        self, heads: bytes, bags: bytes, generators: bytes, index: int, target: int
    ) -> list[dict[int, int]]:
        """Return the zones of a preset or an instrument; a first one without target is global."""
        head, bag, table = self._tables[heads], self._tables[bags], self._tables[generators]
        shared: dict[int, int] = {}
        zones = []
        for k in range(head["bag"][index], head["bag"][index + 1]):
            entries = table[bag["gen"][k] : bag["gen"][k + 1]]
            zone = {int(kind): int(amount) for kind, amount in entries}
            if target in zone:
                zones.append(shared | zone)
            elif not zones:
                shared = zone
        return zones

    def _region(self, preset: dict[int, int], instrument: dict[int, int]) -> _Region:
        """Add what the preset says to what the instrument says (specification 9.4)."""
        merged = dict(instrument)
        for kind, amount in preset.items():
            if kind in (_KEYS, _VELOCITIES):
                merged[kind] = _common(amount, merged.get(kind, _ALL))
            elif kind not in _ONLY_IN_INSTRUMENTS:
                merged[kind] = merged.get(kind, _DEFAULTS.get(kind, 0)) + amount
        for kind in (_KEYS, _VELOCITIES):
            merged.setdefault(kind, _ALL)
        head = self._tables[b"shdr"][instrument[_SAMPLE]]
        place = {
            name: int(head[name]) + merged.get(fine, 0) + 32768 * merged.get(coarse, 0)
            for name, (fine, coarse) in _OFFSETS.items()
        }
        start = place["start"]
        return _Region(
            generators=merged,
            samples=self._samples[start : place["end"]],
            loop=(place["loop_start"] - start, place["loop_end"] - start),
            rate=int(head["rate"]),
            key=int(head["key"]),
            correction=int(head["correction"]),
        )


def _chunks(data: memoryview) -> list[tuple[bytes, memoryview]]:
    """Split RIFF data into its named chunks."""
    found, place = [], 0
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        found.append((bytes(data[place : place + 4]), data[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    return found


_ALL = 127 << 8  # a range is two bytes, the lowest first


def _holds(pair: int, value: int) -> bool:
    return pair & 255 <= value <= pair >> 8 & 255


def _common(a: int, b: int) -> int:
    return max(a & 255, b & 255) | min(a >> 8 & 255, b >> 8 & 255) << 8


def _seconds(timecents: float) -> float:
    return 2 ** (timecents / 1200) if timecents > -12000 else 0.0


def _play(region: _Region, key: int, velocity: int, held: int) -> NDArray[np.float32]:
    """Return the stereo sound of one region."""
    release = min(_seconds(region.get(_VOLUME_ENVELOPE + 5)), 4.0)
    length = held + max(int(release * RATE), RATE // 100)
    sound = _resampled(region, key, length)
    time = np.arange(len(sound)) / RATE
    # Volume runs in decibels: 100 dB of decay take the decay time, and so for the release. Loudness
    # follows velocity squared (the default modulator); attenuation is scaled by 0.4, as
    # in the hardware that banks were made for.
    level = _envelope(region, _VOLUME_ENVELOPE, key, time, held / RATE)
    level *= (velocity / 127) ** 2 * 10 ** (-0.4 * region.get(_ATTENUATION) / 200)
    sound = _filtered(sound * level.astype(np.float32), region, key, held / RATE)
    angle = (min(max(region.get(_PAN), -500), 500) / 1000 + 0.5) * math.pi / 2
    return np.stack([sound * math.cos(angle), sound * math.sin(angle)]).astype(np.float32)


def _resampled(region: _Region, key: int, length: int) -> NDArray[np.float32]:
    """Play the sample at the pitch of the key, looping if it loops, by cubic interpolation."""
    root = region.get(_ROOT) if region.get(_ROOT) >= 0 else region.key
    cents = (key - root) * region.get(_SCALE) + region.correction
    cents += 100 * region.get(_COARSE) + region.get(_FINE)
    position = np.arange(length) * (region.rate / RATE * 2 ** (cents / 1200))
    begin, end = region.loop
    wave = region.samples
    if region.get(_LOOPS) & 1 and 0 <= begin < end <= len(wave):
        late = position >= end
        position[late] = begin + (position[late] - begin) % (end - begin)
        # Interpolation at the loop's end looks on into its beginning.
        wave = np.concatenate([wave[:end], wave[begin : begin + 3]])
    else:
        position = position[position < len(wave) - 3]
    if len(wave) < 4:
        return np.zeros(0, np.float32)
    index = np.minimum(position.astype(np.int64), len(wave) - 3)
    t = (position - index).astype(np.float32)
    y = wave.astype(np.float32) / 32768
    a, b, c, d = y[np.maximum(index - 1, 0)], y[index], y[index + 1], y[index + 2]
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _envelope(
    region: _Region, first: int, key: int, time: NDArray[np.float64], held: float
) -> NDArray[np.float64]:
    """Return the volume (as amplitude) or the modulation envelope (0 to 1) at given times."""
    delay, attack, hold, decay = (_seconds(region.get(first + k)) for k in range(4))
    # Generators 39, 40 (volume) and 31, 32 (modulation) shorten hold and decay for high keys.
    hold *= 2 ** ((60 - key) * region.get(first + 6) / 1200)
    decay *= 2 ** ((60 - key) * region.get(first + 7) / 1200)
    release = max(_seconds(region.get(first + 5)), 0.01)
    volume = first == _VOLUME_ENVELOPE
    # Both fall in a straight line, from 0 dB or from 1, to -100 dB or to 0.
    sustain = min(max(region.get(first + 4) / 1000, 0.0), 1.0)
    rise = np.clip((time - delay) / max(attack, 1e-3), 0, 1)
    fall = np.clip((time - delay - attack - hold) / max(decay, 1e-3), 0, sustain)
    after = np.maximum(time - held, 0) / release
    if volume:
        return rise * 10 ** (-5 * (fall + after)) * (after < 1)
    return np.maximum(np.minimum(rise, 1 - fall) - after, 0)


def _filtered(
    sound: NDArray[np.float32], region: _Region, key: int, held: float
) -> NDArray[np.float32]:
    """Apply the resonant low-pass filter, its cutoff moved by the modulation envelope.

    A two-pole response is laid on the spectrum of overlapping frames, so that the cutoff can
    move without recursion over samples.
    """
    import torch

    cutoff, reach = region.get(_FILTER), region.get(_MOD_TO_FILTER)
    if min(cutoff, cutoff + reach) >= 13500:  # 20 kHz: open
        return sound
    if len(sound) < 2 * _BLOCK:
        sound = np.pad(sound, (0, 2 * _BLOCK - len(sound)))
    frames = np.arange(len(sound) // _BLOCK + 1) * (_BLOCK / RATE)
    cents = cutoff + reach * _envelope(region, _MOD_ENVELOPE, key, frames, held)
    corner = np.minimum(8.176 * 2 ** (cents / 1200), 0.49 * RATE)
    ratio = np.fft.rfftfreq(4 * _BLOCK, 1 / RATE)[:, None] / corner
    quality = 10 ** ((min(max(region.get(_RESONANCE), 0), 960) / 10 - 3.01) / 20)
    response = 1 / np.sqrt((1 - ratio**2) ** 2 + (ratio / quality) ** 2)
    window = torch.hann_window(4 * _BLOCK)
    options = {"n_fft": 4 * _BLOCK, "hop_length": _BLOCK, "window": window}
    spectrum = torch.stft(torch.from_numpy(sound), return_complex=True, **options)
    spectrum *= torch.from_numpy(response.astype(np.float32))
    return torch.istft(spectrum, length=len(sound), **options).numpy()
