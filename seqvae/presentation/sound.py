"""Sound: a WAV file of an item, played with the SoundFont that comes with pretty_midi."""

from __future__ import annotations

import math
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vaecore.errors import DataError
from vaecore.files import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pretty_midi import PrettyMIDI
    from torch import Tensor

LOUDNESS = -16.0
"""Target in LUFS (ITU-R BS.1770-4), that of music on the web."""

PEAK = -1.0
"""Highest true peak in dBTP: headroom for lossy coding, which overshoots."""

LONGEST = 600.0
"""Seconds that are rendered at most; sound is held in memory, 0.35 MB a second and more."""

_LIMIT = 9.0  # decibels that the limiter may take from a peak
_TAIL = 1.0  # seconds after the last note for its release


def render(
    item: PrettyMIDI,
    path: str | os.PathLike[str],
    sample_rate: int = 44100,
    *,
    soundfont: str | os.PathLike[str] | None = None,
) -> Path:
    """Play an item into a 16-bit stereo WAV file, at a common loudness without clipping.

    Args:
        item: What to play.
        path: The file to write.
        sample_rate: Samples per second, 8000 to 192000.
        soundfont: Another SoundFont 2 bank, `.sf2`.

    Raises:
        DataError: torchaudio or soundfile is missing, the item is too long, the SoundFont cannot be
            read, or the file cannot be written.
    """
    if not 8000 <= sample_rate <= 192000:
        raise ValueError(f"sample_rate is {sample_rate}, expected 8000 to 192000")
    missing = [name for name in ("torchaudio", "soundfile") if not find_spec(name)]
    if missing:
        raise DataError(f"sound needs {missing[0]}", remedy=f"pip install {missing[0]}")
    import soundfile
    from torchaudio.functional import resample

    from seqvae.presentation.soundfont import RATE

    audio = normalize(resample(synthesize(item, soundfont), RATE, sample_rate), sample_rate)
    with replacing(path) as temporary:
        soundfile.write(temporary, audio.T.numpy(), sample_rate, "PCM_16", format="WAV")
    return Path(path)


def default_soundfont() -> Path:
    """Return the General MIDI SoundFont (TimGM6mb) inside the installed pretty_midi."""
    import pretty_midi

    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def synthesize(item: PrettyMIDI, soundfont: str | os.PathLike[str] | None = None) -> Tensor:
    """Return the sound of an item, `(2, samples)` at 44100 Hz, not normalised."""
    import numpy as np
    import torch

    from seqvae.presentation.soundfont import RATE, SoundFont

    seconds = item.get_end_time()
    if seconds > LONGEST:
        raise DataError(
            f"lasts {seconds:.0f} s, more than the {LONGEST:.0f} s that can be rendered",
            remedy="cut it",
        )
    bank = SoundFont(soundfont if soundfont is not None else default_soundfont())
    audio = np.zeros((2, math.ceil((seconds + _TAIL) * RATE)), np.float32)
    for part in item.instruments:
        sounding: dict[int, tuple[int, NDArray]] = {}
        for note in sorted(part.notes, key=lambda n: (n.start, n.pitch)):
            begin = round(note.start * RATE)
            held = max(round((note.end - note.start) * RATE), 1)
            tone = bank.tone(part.program, part.is_drum, note.pitch, note.velocity, held)
            end = min(begin + tone.audio.shape[1], audio.shape[1])
            audio[:, begin:end] += tone.audio[:, : end - begin]
            if tone.exclusive_class:  # an open hi-hat ends when the closed one is struck
                if tone.exclusive_class in sounding:
                    _silence(audio, *sounding[tone.exclusive_class], begin)
                sounding[tone.exclusive_class] = begin, tone.audio
    fade = min(RATE // 10, audio.shape[1])
    audio[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return torch.from_numpy(audio)


def _silence(audio: NDArray, begin: int, tone: NDArray, at: int) -> None:
    """Take the rest of a tone out of the mix from a time on, over 5 ms."""
    import numpy as np

    rest = tone[:, at - begin : audio.shape[1] - begin]
    fade = np.clip(np.arange(rest.shape[1], dtype=np.float32) / 220, 0, 1)
    audio[:, at : at + rest.shape[1]] -= rest * fade


def normalize(audio: Tensor, sample_rate: int) -> Tensor:
    """Bring sound to -16 LUFS, or as near as a true peak of -1 dBTP allows.

    Peaks above are limited, by 9 dB at the most.

    Args:
        audio: `(channels, samples)`, any level. Silence stays as it is.
        sample_rate: Samples per second.

    Returns:
        A new tensor of the same shape.
    """
    ceiling = 10 ** (PEAK / 20)
    peak = true_peak(audio, sample_rate)
    if peak == 0:
        return audio.clone()
    loudest = ceiling / peak * 10 ** (_LIMIT / 20)
    gain, limited = 1.0, audio
    for _ in range(4):  # limiting makes it softer, so that the gain is found step by step
        gain *= 10 ** ((LOUDNESS - loudness(limited, sample_rate)) / 20)
        gain = min(gain, loudest)
        limited = limit(audio * gain, ceiling, sample_rate)
    return limited * min(1.0, ceiling / true_peak(limited, sample_rate))


def limit(audio: Tensor, ceiling: float, sample_rate: int) -> Tensor:
    """Turn sound down around the samples that exceed a ceiling, smoothly over 5 ms."""
    from torch.nn.functional import avg_pool1d, max_pool1d

    reach = max(round(0.005 * sample_rate), 1)
    peak = audio.abs().amax(0, keepdim=True).clamp(min=ceiling)
    width = 2 * reach + 1
    # The widest need within reach, then its mean within reach: nowhere less than is needed.
    gain = ceiling / max_pool1d(peak, width, stride=1, padding=reach)
    return audio * avg_pool1d(gain, width, stride=1, padding=reach, count_include_pad=False)


def loudness(audio: Tensor, sample_rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); sound may be of any length."""
    from torch.nn.functional import pad
    from torchaudio.functional import loudness as measure

    peak = audio.abs().max().item() if audio.numel() else 0.0
    if peak == 0:
        return -math.inf
    # The filters of torchaudio clip at 1, so it is measured well below; from blocks of 0.4 s.
    quiet = audio.double() / peak / 8
    quiet = pad(quiet, (0, max(round(0.4 * sample_rate) - quiet.shape[-1], 0)))
    return measure(quiet, sample_rate).item() + 20 * math.log10(8 * peak)


def true_peak(audio: Tensor, sample_rate: int) -> float:
    """Return the highest amplitude at and between samples, found at four times the rate."""
    from torchaudio.functional import resample

    pieces = audio.split(10 * sample_rate, dim=-1)  # in pieces, to need little memory
    return max(max(p.abs().max().item(), resample(p, 1, 4).abs().max().item()) for p in pieces)
