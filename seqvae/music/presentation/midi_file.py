"""MIDI files with several items one after another."""

from __future__ import annotations

import io
import math
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mido import Message, MetaMessage, MidiFile, MidiTrack
from pretty_midi import PrettyMIDI, program_to_instrument_name

from seqvae.music.reading.clock import Clock
from seqvae.music.representations.writing import RESOLUTION
from vaecore.files import replacing

_CHANNELS = [*range(9), *range(10, 16)]
"""General MIDI's channels for pitched instruments, from 0; channel 9 is for drums."""

# The order of events on one tick: a note must end before the same pitch starts again.
_OFF, _PROGRAM, _ON = range(3)


class _Part(NamedTuple):
    """The key of a track: notes of equal keys are on one track."""

    is_drum: bool
    program: int
    name: str


def plain(text: str) -> str:
    """Return a text for a MIDI file, as far as possible in ASCII.

    The standard names no encoding: mido and pretty_midi read Latin-1, MuseScore and most other
    programs UTF-8. Letters lose their accents ("Frühling" becomes "Fruhling"), control characters
    are removed, and letters without an ASCII form stay.
    """

    def letter(character: str) -> str:
        parts = unicodedata.normalize("NFKD", character)
        base = "".join(part for part in parts if not unicodedata.combining(part))
        return base if base.isascii() else character

    return "".join(map(letter, text)).translate(dict.fromkeys([*range(32), 127]))


def join(
    items: Sequence[PrettyMIDI],
    seconds_each: Sequence[float] | None = None,
    *,
    repeat: int = 1,
    titles: Sequence[str] | None = None,
) -> PrettyMIDI:
    """Join items one after another, each at its own tempo, with the bars of all on one grid.

    Args:
        items: The items, at least one. Notes, programs, tempos and meters are kept; controllers
            and pitch bends are not.
        seconds_each: Length of each item at its own tempo, in seconds; notes are cut there. By
            default the whole bars that its notes need.
        repeat: How often each item is played before the next one.
        titles: A name for each item, may be empty. The file has markers such as "1/9 title" in
            plain letters (see `plain`).

    Returns:
        One object with an instrument for each program of the items, and one for drums; for items
        of several instruments, one for each program and name.

    Raises:
        ValueError: As for `midi_bytes`.
    """
    data = midi_bytes(items, seconds_each, repeat=repeat, titles=titles)
    return PrettyMIDI(io.BytesIO(data))


def write_midi(
    items: Sequence[PrettyMIDI],
    path: str | os.PathLike[str],
    seconds_each: Sequence[float] | None = None,
    *,
    repeat: int = 1,
    titles: Sequence[str] | None = None,
) -> Path:
    """Write items one after another as one MIDI file, and return its path.

    The arguments are those of `join`. Equal input gives equal bytes.

    Raises:
        ValueError: As for `midi_bytes`.
        DataError: The file cannot be written.
    """
    data = midi_bytes(items, seconds_each, repeat=repeat, titles=titles)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def midi_bytes(
    items: Sequence[PrettyMIDI],
    seconds_each: Sequence[float] | None = None,
    *,
    repeat: int = 1,
    titles: Sequence[str] | None = None,
) -> bytes:
    """Return the MIDI file of `join`, which has the same arguments, as bytes.

    Raises:
        ValueError: There is no item, a number is out of range, or there are not as many lengths or
            titles as items.
    """
    if not items:
        raise ValueError("there is no item to join")
    if repeat < 1:
        raise ValueError(f"repeat is {repeat}, expected 1 or more")
    for name, given in (("seconds_each", seconds_each), ("titles", titles)):
        if given is not None and len(given) != len(items):
            raise ValueError(f"{len(items)} items, but {len(given)} {name}")
    timeline = _Timeline()
    for k, item in enumerate(items):
        clock = Clock(list(zip(*item.get_tempo_changes(), strict=True)))
        length = _quarters(clock, seconds_each[k]) if seconds_each else whole_bars(item, clock)
        if len(items) > 1:
            title = titles[k] if titles else ""
            timeline.mark(f"{k + 1}/{len(items)} {title}".strip())
        for _ in range(repeat):
            timeline.play(item, clock, length)
    buffer = io.BytesIO()
    timeline.file().save(file=buffer)
    return buffer.getvalue()


def _quarters(clock: Clock, seconds: float) -> float:
    """Return the position of a time in quarter notes."""
    return float(clock.to_quarters(np.array(seconds)))


def whole_bars(item: PrettyMIDI, clock: Clock) -> float:
    """Return the length of an item in quarter notes, rounded up to whole bars, at least one."""
    changes = item.time_signature_changes
    bar = 4 * changes[-1].numerator / changes[-1].denominator if changes else 4.0
    ends = [note.end for part in item.instruments for note in part.notes]
    beats = _quarters(clock, max(ends, default=0.0))
    # A note that ends a few ticks after the bar line does not add a bar.
    return bar * max(1, math.ceil(beats / bar - 1 / 32))


class _Timeline:
    """Collects events at absolute ticks, and sorts them into the tracks of a MIDI file."""

    def __init__(self) -> None:
        self.now = 0
        self.meta: list[tuple[int, Any]] = []
        self.parts: dict[_Part, list[tuple[int, int, Any]]] = {}
        self.tempo: int | None = None
        self.metre: tuple[int, int] | None = None

    def mark(self, text: str, tick: int | None = None) -> None:
        """Add a marker at a tick, by default at the present end."""
        at = self.now if tick is None else tick
        self.meta.append((at, MetaMessage("marker", text=plain(text))))

    def play(self, item: PrettyMIDI, clock: Clock, length: float) -> None:
        """Add the first `length` quarter notes of an item, and move on to their end."""
        first, last = self.now, self.now + round(length * RESOLUTION)

        def tick(seconds: float) -> int:
            return first + round(_quarters(clock, seconds) * RESOLUTION)

        self._play_metres(item, tick, last)
        for event in item.text_events:
            self.mark(event.text, tick(event.time))
        for time, bpm in zip(clock.seconds, clock.bpm, strict=True):
            if tick(time) < last:
                self._set_tempo(tick(time), bpm)
        for part in item.instruments:
            name = part.name.strip() if len(item.instruments) > 1 else ""
            key = _Part(part.is_drum, part.program, name)
            known = key in self.parts
            events = self.parts.setdefault(key, [])
            channel = self._channel(key)
            if not known:
                program = Message("program_change", channel=channel, program=part.program)
                events.append((first, _PROGRAM, program))
            for note in part.notes:
                start, end = tick(note.start), min(tick(note.end), last)
                if start < last:
                    key_of_note = {"channel": channel, "note": note.pitch}
                    on = Message("note_on", **key_of_note, velocity=note.velocity)
                    off = Message("note_off", **key_of_note, velocity=0)
                    events += [(start, _ON, on), (max(end, start + 1), _OFF, off)]
        self.now = last

    def _play_metres(self, item: PrettyMIDI, tick: Any, last: int) -> None:
        changes = [(c.time, c.numerator, c.denominator) for c in item.time_signature_changes]
        if not changes or changes[0][0] > 0:
            changes.insert(0, (0.0, 4, 4))
        for time, numerator, denominator in changes:
            if tick(time) < last and (numerator, denominator) != self.metre:
                self.metre = numerator, denominator
                message = MetaMessage(
                    "time_signature", numerator=numerator, denominator=denominator
                )
                self.meta.append((tick(time), message))

    def _set_tempo(self, tick: int, bpm: float) -> None:
        tempo = min(max(round(60e6 / bpm), 1), 0xFFFFFF)  # three bytes
        if tempo != self.tempo:
            self.tempo = tempo
            self.meta.append((tick, MetaMessage("set_tempo", tempo=tempo)))

    def _channel(self, part: _Part) -> int:
        pitched = [key for key in self.parts if not key.is_drum]
        return 9 if part.is_drum else _CHANNELS[pitched.index(part) % len(_CHANNELS)]

    def file(self) -> MidiFile:
        """Return the MIDI file (type 1): tempo, meter and markers first, then the parts."""
        file = MidiFile(ticks_per_beat=RESOLUTION, charset="utf-8")
        file.tracks.append(_track(sorted(self.meta, key=lambda event: event[0]), self.now))
        for part, events in self.parts.items():
            name = part.name or (
                "Drums" if part.is_drum else program_to_instrument_name(part.program)
            )
            events.sort(key=lambda event: event[:2])
            ordered = [(tick, message) for tick, _, message in events]
            track_name = MetaMessage("track_name", name=plain(name))
            file.tracks.append(_track([(0, track_name), *ordered], self.now))
        return file


def _track(events: list[tuple[int, Any]], end: int) -> Any:
    """Return a track of events at absolute ticks, which ends at a tick or after the last event."""
    track, now = MidiTrack(), 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=max(end - now, 0)))
    return track
