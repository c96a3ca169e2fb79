"""WAV files of items, rendered by midirenderer with pretty_midi's SoundFont or another one."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import copy
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.presentation.mastering import Sound, drum_tone, normalize, wide
from seqvae.music.presentation.pieces import cut, pieces
from seqvae.music.presentation.resampling import resampled
from seqvae.music.presentation.stored import Room, Stored, in_memory
from vaecore.errors import DataError
from vaecore.files import replacing
from vaecore.reading import SOUNDFONT, read_bytes

if TYPE_CHECKING:
    from pretty_midi import Instrument, PrettyMIDI

LONGEST = 600.0
"""Most seconds that are rendered."""

LONG = 60
"""Sound longer than this, in seconds, is held in a file while it is made."""

RATE = 48000
"""Samples per second of midirenderer's sound."""

_FRAMES = 1 << 20  # samples of each channel that are read or written at a time
_TAIL = 1.5  # seconds after the end for the release of the last notes
_FADE = 0.5  # seconds at the end of these, in which long sounds such as cymbals are faded out
_CHANNELS = 15  # channels of a MIDI file for pitched instruments; the 16th is for drums
_OPENED = (
    1200  # cents by which the cutoffs of the low-pass filters of pretty_midi's bank are raised
)
_OPEN = 13500  # highest cutoff of a filter, in cents
_QUIETER = 40  # volume (controller 7) of parts that are too loud for 16 bits; by default it is 100


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

    Returns:
        The path.

    Raises:
        ValueError: The sample rate is out of range.
        DataError: A package for sound is missing, the item is longer than 600 s, the SoundFont
            cannot be played, or the file cannot be written.
    """
    if not 8000 <= sample_rate <= 192000:
        raise ValueError(f"sample_rate is {sample_rate}, expected 8000 to 192000")
    with replacing(path) as temporary, ExitStack() as stack:
        room = room_beside(temporary, stack)
        audio = synthesize(item, soundfont, room)
        import soundfile

        if sample_rate != RATE:
            audio = resampled(audio, RATE, sample_rate, room)
        audio = normalize(audio, sample_rate, in_place=True)
        # As bytes: soundfile cannot encode names that are not UTF-8.
        name = temporary if os.name == "nt" else os.fsencode(temporary)
        with soundfile.SoundFile(name, "w", sample_rate, 2, "PCM_16", format="WAV") as file:
            for first in range(0, audio.shape[-1], _FRAMES):
                file.write(audio[:, first : first + _FRAMES].T)
    return Path(path)


def room_beside(path: Path, stack: ExitStack) -> Room:
    """Return a function that makes arrays for sound: in memory; long ones in unnamed files.

    Args:
        path: A file in the folder for these files; the system's folder for temporary files may
            itself be in memory.
        stack: The files are deleted when it is closed.
    """

    def room(samples: int) -> Any:
        if samples <= LONG * RATE:
            return in_memory(samples)
        return Stored(stack.enter_context(TemporaryFile(dir=path.parent)), samples)

    return room


def default_soundfont() -> Path:
    """Return the General MIDI SoundFont (TimGM6mb) inside the installed pretty_midi."""
    import pretty_midi

    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def synthesize(
    item: PrettyMIDI, soundfont: str | os.PathLike[str] | None = None, room: Room = in_memory
) -> Any:
    """Return the sound of an item, `(2, samples)` at 48000 Hz, not normalised.

    It lasts 1.5 s longer than the item, for the release of the last notes. The default SoundFont
    is small, dull and nearly mono. So the cutoffs of its filters are raised, drums get less bass
    and more presence, and all other instruments a wider stereo image.

    Args:
        item: The music.
        soundfont: Another SoundFont 2 bank, which is used without these changes.
        room: Makes the arrays for the sound.

    Raises:
        DataError: A package for sound is missing, the item is longer than 600 s, or the SoundFont
            cannot be played.
    """
    for package in ("midirenderer", "soundfile"):
        try:
            import_module(package)
        except (ImportError, OSError) as error:  # OSError: a system library is missing
            raise DataError(
                f"sound needs the package {package}, which cannot be imported",
                remedy=f"pip install {package} (on Linux x86-64, macOS or Windows)",
            ) from error
    seconds = item.get_end_time()
    if seconds > LONGEST:
        raise DataError(
            f"lasts {seconds:.0f} s, more than the {LONGEST:.0f} s that can be rendered",
            remedy="cut the music",
        )
    path = Path(soundfont) if soundfont is not None else default_soundfont()
    bank = read_bytes(path, SOUNDFONT)
    bank = bank if soundfont is not None else _opened(bank)
    drums = [part for part in item.instruments if part.is_drum]
    pitched = [part for part in item.instruments if not part.is_drum]
    groups = [(drums, drum_tone)] if drums else []
    groups += [(pitched[k : k + _CHANNELS], wide) for k in range(0, len(pitched), _CHANNELS)]
    samples = math.ceil((seconds + _TAIL) * RATE)
    audio = None
    for parts, improve in groups:
        sound = room(samples)
        _play(parts, seconds + _TAIL, bank, path, sound)
        if soundfont is None:
            improve(sound, RATE)
        if audio is None:
            audio = sound
            continue
        for first in range(0, samples, _FRAMES):
            own = slice(first, first + _FRAMES)
            audio[:, own] = audio[:, own] + sound[:, own]
    if audio is None:
        audio = room(samples)
    fade = round(_FADE * RATE)
    end = slice(samples - fade, samples)
    audio[:, end] = audio[:, end] * np.linspace(1, 0, fade, dtype=np.float32)
    return audio


def _opened(bank: bytes) -> bytes:
    """Return a SoundFont with higher cutoffs of its low-pass filters.

    They are generator 8 of its instruments. A generator is a number and a value of 16 bits each.
    """
    changed = bytearray(bank)
    at = changed.rindex(b"igen")
    size = int.from_bytes(changed[at + 4 : at + 8], "little")
    generators = np.frombuffer(memoryview(changed)[at + 8 : at + 8 + size], "<i2").reshape(-1, 2)
    filters = generators[:, 0] == 8
    generators[filters, 1] = np.minimum(generators[filters, 1] + _OPENED, _OPEN)
    return bytes(changed)


def _play(parts: Sequence[Instrument], seconds: float, bank: bytes, path: Path, sound: Any) -> None:
    """Write the sound of at most 15 pitched parts, or of drums, to silence `(2, samples)`.

    midirenderer clips at 16 bits; sound that is too loud is rendered again at a lower volume.
    """
    cuts = list(pieces(parts, seconds))
    for volume in (None, _QUIETER):
        # General MIDI: the amplitude is proportional to the square of controller 7.
        louder = np.float32(1.0 if volume is None else (100 / volume) ** 2)
        highest = 0.0
        for piece in cuts:
            own = [cut(part, piece) for part in parts] if len(cuts) > 1 else parts
            midi = _midi(own, piece.last - piece.start, volume)
            first, last = round(piece.first * RATE), round(piece.last * RATE)
            at = round(piece.start * RATE)
            for played in _rendered(midi, bank, path):
                heard = played[:, max(first - at, 0) : max(min(last, sound.shape[1]) - at, 0)]
                begin = max(first, at)
                sound[:, begin : begin + heard.shape[1]] = heard * louder
                highest = max(highest, float(np.abs(heard).max(initial=0.0)))
                at += played.shape[1]
        if highest < 0.999:
            return


def _midi(parts: Sequence[Instrument], seconds: float, volume: int | None = None) -> bytes:
    """Return a MIDI file of at most 15 parts that lasts `seconds`, or up to 2 ms longer."""
    from pretty_midi import ControlChange, Lyric, Note, PrettyMIDI

    midi = PrettyMIDI(resolution=1000, initial_tempo=60)  # a tick is a millisecond
    for part in parts:
        part = copy(part)
        # A note that starts and ends on the same tick would never end.
        part.notes = [
            Note(n.velocity, n.pitch, n.start, max(n.end, n.start + 0.002)) for n in part.notes
        ]
        if volume is not None:
            others = [c for c in part.control_changes if c.number != 7]
            part.control_changes = [ControlChange(7, volume, 0.0), *others]
        midi.instruments.append(part)
    midi.lyrics.append(Lyric("", seconds))  # rendering stops at the last event of any kind
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()


def _rendered(midi: bytes, bank: bytes, path: Path) -> Iterator[Sound]:
    """Yield the sound of a MIDI file, `(2, samples)`, in parts of `_FRAMES` samples.

    Args:
        midi: Content of the MIDI file.
        bank: Content of the SoundFont.
        path: Path of the SoundFont, for messages.
    """
    import midirenderer
    import soundfile

    try:
        wave = midirenderer.render_wave_from(bank, midi)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        if "SoundFont3" in str(error):
            remedy = f"unpack it: sf3convert -z {path} {path.with_suffix('.sf2')}"
            raise DataError("is a compressed SoundFont", path=path, remedy=remedy) from error
        raise DataError(
            "is not an intact SoundFont 2 bank", path=path, remedy="name an .sf2 file"
        ) from error
    with soundfile.SoundFile(io.BytesIO(wave)) as file:
        for part in file.blocks(_FRAMES, dtype="float32"):
            yield part.T
