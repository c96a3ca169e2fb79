"""Other MIDI parsers beside this project's reader; `reading.py` says what they read otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqvae.music.reading.midi import parse_score, read_bytes, read_score
from seqvae.music.reading.score import Meter, Notes, Score
from seqvae.music.reading.smf import MidiFile
from seqvae.music.representations import SequenceCodec
from vaecore.errors import DataError

Parser = Callable[[str], Score]


def ours(path: str) -> Score:
    return parse_score(read_bytes(path), path)


def by_pretty_midi(path: str) -> Score:
    from pretty_midi import PrettyMIDI

    return read_score(PrettyMIDI(path))


def by_symusic(path: str) -> Score:
    """Read with symusic, and convert its notes to the arrays that all codecs take."""
    import symusic

    midi = symusic.Score(path)
    arrays = [track.notes.numpy() for track in midi.tracks]
    used = [number for number, notes in enumerate(arrays) if len(notes["time"])]
    if not used:
        raise DataError("has no notes", path=path)
    tracks = [midi.tracks[number] for number in used]
    sizes = [len(arrays[number]["time"]) for number in used]
    columns = {
        name: np.concatenate([arrays[number][name] for number in used]).astype(np.int64)
        for name in ("time", "duration", "pitch", "velocity")
    }
    clock = MidiFile(
        midi.ticks_per_quarter, [(tempo.time, tempo.mspq) for tempo in midi.tempos]
    ).clock()
    notes = Notes.of(
        clock(columns["time"]),
        clock(columns["time"] + columns["duration"]),
        columns["pitch"],
        columns["velocity"],
        np.repeat(np.arange(len(used)), sizes),
        np.repeat([track.program for track in tracks], sizes),
        np.repeat([track.is_drum for track in tracks], sizes),
    )
    meters = tuple(
        Meter(float(clock(np.array(m.time))), m.numerator, m.denominator)
        for m in midi.time_signatures
    )
    tempos = tuple(zip(clock.seconds.tolist(), clock.tempos.tolist(), strict=True))
    names = {n: track.name for n, track in enumerate(tracks)}
    return Score(notes, tempos, meters, names, path, resolution=midi.ticks_per_quarter)


def attempt(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what is made of a file; None if it is refused, by whatever exception."""
    try:
        return work(*arguments)
    except Exception:
        return None


def windows_of(score: Score | None, codec: SequenceCodec) -> list[bytes]:
    return [] if score is None else sorted(w.x.tobytes() for w in codec.find(score).windows)
