"""Sound: a WAV file of an item, rendered by midirenderer with the SoundFont of pretty_midi."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from copy import copy
from functools import reduce
from importlib import import_module
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

from vaecore.errors import DataError
from vaecore.files import replacing

if TYPE_CHECKING:
    from pretty_midi import Instrument, PrettyMIDI
    from torch import Tensor

LOUDNESS = -16.0
"""Target in LUFS (ITU-R BS.1770-4), as of music on the web."""

PEAK = -1.0
"""Highest true peak in dBTP: headroom for lossy coding, which overshoots."""

LONGEST = 600.0
"""Seconds that are rendered at most; sound is held in memory, at least 0.4 MB a second."""

RATE = 48000
"""Samples per second of midirenderer's sound."""

_LIMIT = 9.0  # decibels by which the limiter may lower a peak
_TAIL = 1.5  # seconds after the end for the release of the last notes
_FADE = 0.5  # the last seconds of these, in which long sounds such as cymbals are faded out
_CHANNELS = 15  # channels of a MIDI file for pitched instruments; the 16th is for drums


def render(
    item: PrettyMIDI,
    path: str | os.PathLike[str],
    sample_rate: int = 44100,
    *,
    soundfont: str | os.PathLike[str] | None = None,
) -> Path:
    """Render an item as a 16-bit stereo WAV file, at a standard loudness without clipping.

    Args:
        item: The music.
        path: The file to write.
        sample_rate: Samples per second, 8000 to 192000.
        soundfont: Another SoundFont 2 bank, `.sf2`.

    Raises:
        DataError: A package for sound is missing, the item is too long, the SoundFont cannot be
            played, or the file cannot be written.
    """
    if not 8000 <= sample_rate <= 192000:
        raise ValueError(f"sample_rate is {sample_rate}, expected 8000 to 192000")
    played = synthesize(item, soundfont)
    import soundfile
    from torchaudio.functional import resample

    audio = normalize(resample(played, RATE, sample_rate), sample_rate)
    with replacing(path) as temporary:
        soundfile.write(temporary, audio.T.numpy(), sample_rate, "PCM_16", format="WAV")
    return Path(path)


def default_soundfont() -> Path:
    """Return the General MIDI SoundFont (TimGM6mb) inside the installed pretty_midi."""
    import pretty_midi

    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def synthesize(item: PrettyMIDI, soundfont: str | os.PathLike[str] | None = None) -> Tensor:
    """Return the sound of an item, `(2, samples)` at 48000 Hz, not normalised.

    It lasts 1.5 s longer than the item, for the release of the last notes.

    Raises:
        DataError: A package for sound is missing, the item is too long, or the SoundFont cannot
            be played.
    """
    for package in ("midirenderer", "soundfile", "torchaudio"):
        try:
            import_module(package)
        except (ImportError, OSError) as error:  # OSError: a system library is missing
            raise DataError(
                f"sound needs the package {package}, which cannot be imported",
                remedy=f"pip install {package} (on Linux x86-64, macOS or Windows)",
            ) from error
    import torch

    seconds = item.get_end_time()
    if seconds > LONGEST:
        raise DataError(
            f"lasts {seconds:.0f} s, more than the {LONGEST:.0f} s that can be rendered",
            remedy="cut it",
        )
    bank = Path(soundfont) if soundfont is not None else default_soundfont()
    parts = item.instruments
    groups = [parts[k : k + _CHANNELS] for k in range(0, max(len(parts), 1), _CHANNELS)]
    sounds = [_play(_midi(group, seconds + _TAIL), bank) for group in groups]
    audio = reduce(add, sounds)[:, : math.ceil((seconds + _TAIL) * RATE)]
    fade = round(_FADE * RATE)
    audio[:, -fade:] *= torch.linspace(1, 0, fade)
    return audio


def _midi(parts: Sequence[Instrument], seconds: float) -> bytes:
    """Return a MIDI file of at most 15 parts that lasts `seconds`, and 2 ms more at most."""
    from pretty_midi import Lyric, Note, PrettyMIDI

    midi = PrettyMIDI(resolution=1000, initial_tempo=60)  # a tick is a millisecond
    for part in parts:
        part = copy(part)
        # A note that ends on the tick it starts on would never end.
        part.notes = [
            Note(n.velocity, n.pitch, n.start, max(n.end, n.start + 0.002)) for n in part.notes
        ]
        midi.instruments.append(part)
    midi.lyrics.append(Lyric("", seconds))  # rendering stops at the last event of any kind
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()


def _play(midi: bytes, bank: Path) -> Tensor:
    """Return the sound of a MIDI file, `(2, samples)`."""
    import midirenderer
    import soundfile
    import torch

    try:
        wave = midirenderer.render_wave_from(bank.read_bytes(), midi)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot be read ({reason})", path=bank) from error
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        raise DataError(
            "is not an intact SoundFont 2 bank", path=bank, remedy="name an .sf2 file"
        ) from error
    audio, _ = soundfile.read(io.BytesIO(wave), dtype="float32")
    return torch.from_numpy(audio.T.copy())


def normalize(audio: Tensor, sample_rate: int) -> Tensor:
    """Scale sound to -16 LUFS, or as near as a true peak of -1 dBTP allows.

    Higher peaks are limited, by at most 9 dB.

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
    for _ in range(4):  # limiting lowers the loudness, so the gain is found by iteration
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
    # The mean of the smallest gains within reach is nowhere larger than the gain that is needed.
    gain = ceiling / max_pool1d(peak, width, stride=1, padding=reach)
    return audio * avg_pool1d(gain, width, stride=1, padding=reach, count_include_pad=False)


def loudness(audio: Tensor, sample_rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); sound may be of any length."""
    from torch.nn.functional import pad
    from torchaudio.functional import loudness as measure

    peak = audio.abs().max().item() if audio.numel() else 0.0
    if peak == 0:
        return -math.inf
    # The filters of torchaudio clip at 1, so it is measured well below; blocks are of 0.4 s.
    quiet = audio.double() / peak / 8
    quiet = pad(quiet, (0, max(round(0.4 * sample_rate) - quiet.shape[-1], 0)))
    return float(measure(quiet, sample_rate)) + 20 * math.log10(8 * peak)


def true_peak(audio: Tensor, sample_rate: int) -> float:
    """Return the highest amplitude, also between samples: that at four times the sample rate."""
    from torchaudio.functional import resample

    pieces = audio.split(10 * sample_rate, dim=-1)  # in pieces, to use little memory
    return max(float(max(p.abs().max(), resample(p, 1, 4).abs().max())) for p in pieces)
