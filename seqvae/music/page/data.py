"""Windows as JSON for the pages' JavaScript: notes in ticks, 480 to a quarter note."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.timing import played_late
from seqvae.music.representations.writing import RESOLUTION
from vaecore.codec import Example
from vaecore.errors import UsageError


def lengths(codec: SequenceCodec, example: Example) -> dict[str, int]:
    """Return the length of a bar and of a beat in ticks."""
    context = example.context or codec.context
    step = RESOLUTION // context.per_quarter
    return {"bar": step * codec.steps_per_bar, "beat": step * context.beat}


def same_bars(codec: SequenceCodec, examples: Sequence[Example]) -> None:
    """Refuse examples whose bars differ in length: on a page one follows another in time.

    Raises:
        UsageError: The lengths differ.
    """
    found = {lengths(codec, each)["bar"]: each.context or codec.context for each in examples}
    if len(found) > 1:
        meters = " and ".join(sorted("{}/{}".format(*each.meter) for each in found.values()))
        text = f"a page has bars of one length, not of {meters}"
        raise UsageError(f"{text}: name inputs of one meter, or write a .mid")


def voices(codec: SequenceCodec, example: Example) -> list[dict[str, Any]]:
    """Return the voices of an example: name, title, and whether they are drums."""
    tracks = codec.tracks(np.asarray(example.x), example.context or codec.context)
    return [
        {"name": track.name, "title": track.name.capitalize(), "drum": track.is_drum}
        for track in tracks
    ]


def music(codec: SequenceCodec, example: Example) -> dict[str, Any]:
    """Return a window's length in ticks, notes, tempos, meter, and the program of each voice.

    The notes are those of its MIDI file, as a flat list with five whole numbers for each: voice,
    start, duration, pitch, velocity.
    """
    context = example.context or codec.context
    x = np.asarray(example.x)
    ticks = RESOLUTION // context.per_quarter
    length = ticks * len(x)
    notes: list[int] = []
    tracks = played_late(codec.tracks(x, context), context.late)
    for voice, track in enumerate(tracks):
        for start, end, pitch, velocity in track.notes:
            begin, stop = round(start * ticks), min(round(end * ticks), length)
            if begin < length:
                notes += [voice, begin, max(stop - begin, 1), int(pitch), int(velocity)]
    return {
        "length": length,
        "notes": notes,
        "tempos": [[ticks * step, bpm] for step, bpm in context.tempos if step < len(x)],
        "programs": [track.program for track in tracks],
        "meter": list(context.meter),
    }


def joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return windows of `music` joined in time, with the programs and the meter of the first."""
    whole: dict[str, Any] = {**parts[0], "length": 0, "notes": [], "tempos": []}
    for part in parts:
        at = whole["length"]
        notes = np.array(part["notes"], int).reshape(-1, 5) + np.array([0, at, 0, 0, 0])
        whole["notes"] += notes.flatten().tolist()
        for tick, bpm in part["tempos"]:
            if not whole["tempos"] or whole["tempos"][-1][1] != bpm:
                whole["tempos"].append([at + tick, bpm])
        whole["length"] += part["length"]
    return whole


def instruments(musics: Iterable[dict[str, Any]]) -> dict[int, str]:
    """Return the names of the MIDI programs of some windows (see `music`), by number."""
    from pretty_midi import program_to_instrument_name

    used = sorted({program for each in musics for program in each["programs"]})
    return {program: program_to_instrument_name(program) for program in used}
