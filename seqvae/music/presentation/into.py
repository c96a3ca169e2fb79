"""Putting results back into the MIDI file of the input: the song with some windows changed.

Only notes that differ are written. A note that the result keeps stays in the file with its own time
and velocity, and so do all other events.
"""

from __future__ import annotations

import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from seqvae.music.representations.alphabet import CLASS_OF_PITCH
from seqvae.music.representations.writing import GridNote
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.representations.parts import Kit

NEAR = 0.02
"""Hits of performances whose times differ by less than this, in steps, count as the same."""


class Change(NamedTuple):
    """A change of one voice in one window.

    Attributes:
        tick: Tick of the file at which the window begins.
        steps: Length of the window in steps.
        lines: The tracks and channels (from 0) of the voice.
        before: The notes that were read, in steps of the window.
        after: The notes to be written.
        drums: Whether the voice is a drum kit.
        kit: The drum map that it was read with, if any.
        per_quarter: Steps of a quarter note.
    """

    tick: int
    steps: int
    lines: frozenset[tuple[int, int]]
    before: Sequence[GridNote]
    after: Sequence[GridNote]
    drums: bool = False
    kit: Kit | None = None
    per_quarter: int = 4


@dataclass(eq=False)
class _Note:
    """A note of the file; `on` and `off` are the indices of its events, -1 where there is none."""

    line: tuple[int, int]
    pitch: int
    start: int
    end: int
    on: int
    off: int


@dataclass
class _Track:
    """The events of a track at absolute ticks, and their changes."""

    events: list[tuple[int, Any]]
    moved: dict[int, int | None] = field(default_factory=dict)
    """The new tick of an event, by its index; None removes it."""
    added: list[tuple[int, int, Any]] = field(default_factory=list)
    """New events: tick, 1 for a note on and 0 for a note off, message."""

    def written(self) -> list[Any]:
        """Return the messages with relative times, as in mido."""
        rows = [
            (self.moved.get(k, tick), 1, k, message)
            for k, (tick, message) in enumerate(self.events)
        ]
        kept = [(tick, order, k, message) for tick, order, k, message in rows if tick is not None]
        # Order on a tick: new note offs, old events, new note ons; the end of the track is last.
        kept += [(tick, 2 * on, k, message) for k, (tick, on, message) in enumerate(self.added)]
        last = max((tick for tick, *_ in kept), default=0)
        ends = [(tick, m) for tick, _, _, m in kept if m.type == "end_of_track"]
        body = sorted((row for row in kept if row[3].type != "end_of_track"), key=lambda r: r[:3])
        found, now = [], 0
        for tick, message in [*((row[0], row[3]) for row in body), *((last, m) for _, m in ends)]:
            found.append(message.copy(time=tick - now))
            now = tick
        return found


def put_back(data: bytes, path: str, changes: Iterable[Change]) -> bytes:
    """Return a MIDI file with changed windows, as bytes.

    Args:
        data: Content of the file.
        path: Its name, for messages.
        changes: The changes, in the order of their windows.

    Raises:
        DataError: mido cannot read the file, as it breaks the MIDI standard somewhere.
    """
    from mido import MidiFile, MidiTrack

    try:
        file = MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # mido raises exceptions of any type
        text = f"breaks the MIDI standard ({error}), so that nothing can be put back into it"
        raise DataError(text, path=path, remedy="export it again from your program") from None
    tracks = []
    for track in file.tracks:
        now, events = 0, []
        for message in track:
            now += message.time
            events.append((now, message))
        tracks.append(_Track(events))
    notes = [note for number, track in enumerate(tracks) for note in _notes(number, track.events)]
    for change in changes:
        own = [note for note in notes if note.line in change.lines]
        _apply(change, own, notes, tracks, file.ticks_per_beat / change.per_quarter)
    file.tracks = [MidiTrack(track.written()) for track in tracks]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _notes(number: int, events: Sequence[tuple[int, Any]]) -> list[_Note]:
    """Return the notes of a track; a note off ends the oldest sounding note of its pitch."""
    found: list[_Note] = []
    sounding: dict[tuple[int, int], list[_Note]] = defaultdict(list)
    last = events[-1][0] if events else 0
    for index, (tick, message) in enumerate(events):
        if message.type == "note_on" and message.velocity:
            note = _Note((number, message.channel), message.note, tick, last, index, -1)
            found.append(note)
            sounding[message.channel, message.note].append(note)
        elif message.type in ("note_on", "note_off"):
            begun = sounding[message.channel, message.note]
            if begun:
                note = begun.pop(0)
                note.end, note.off = tick, index
    return found


def _apply(
    change: Change, own: list[_Note], notes: list[_Note], tracks: list[_Track], step: float
) -> None:
    """Remove the notes that a result lacks, and add its new ones."""
    keys = Counter(note.pitch for note in own)
    line = Counter(note.line for note in own).most_common(1)
    before = {_key(note, change): note for note in change.before}
    after = {_key(note, change): note for note in change.after}
    there: dict[tuple[int, int], list[_Note]] = defaultdict(list)
    for note in own:
        at = math.floor((note.start - change.tick) / step + 0.5)  # halves go up, as in reading
        there[at, _sound(note.pitch, change)].append(note)
    window_end = change.tick + round(change.steps * step)

    def tick(place: float) -> int:
        return change.tick + round(place * step)

    def shorten(note: _Note, end: int) -> None:
        if note.off >= 0:
            tracks[note.line[0]].moved[note.off] = end
        note.end = end

    def remove(note: _Note) -> None:
        track = tracks[note.line[0]]
        if note.end > window_end and not change.drums:  # its part after the window stays
            track.moved[note.on], note.start = window_end, window_end
            return
        track.moved[note.on] = None
        if note.off >= 0:
            track.moved[note.off] = None
        notes.remove(note)

    for key, old in before.items():
        new = after.get(key)
        if new is not None and _same(old, new, change.drums):
            continue
        found = list(there.get(key, []))
        if not found and key[0] == 0 and not change.drums:  # a note held into the window
            for note in own:
                if note.start < change.tick < note.end and note.pitch == key[1]:
                    shorten(note, change.tick if new is None else tick(new.end))
                    after.pop(key, None)
        elif new is not None and not change.drums:
            shorten(found[0], tick(new.end))
            after.pop(key)
        else:
            for note in found:
                remove(note)
    for key, new in after.items():
        if key in before and _same(before[key], new, change.drums):
            continue
        if line:
            _add(change, new, line[0][0], keys, notes, tracks, tick)


def _add(
    change: Change,
    new: GridNote,
    line: tuple[int, int],
    keys: Counter[int],
    notes: list[_Note],
    tracks: list[_Track],
    tick: Any,
) -> None:
    from mido import Message

    pitch = new.pitch
    if change.drums:
        drum = _sound(pitch, change._replace(kit=None))
        alike = [key for key, _ in keys.most_common() if _sound(key, change) == drum]
        given = change.kit.key(drum) if change.kit is not None else None
        if change.kit is not None:
            pitch = alike[0] if alike else given if given is not None else pitch
    start, end = max(tick(new.start), 0), tick(new.end)
    number, channel = line
    velocity = max(1, min(int(new.velocity), 127))
    on = Message("note_on", channel=channel, note=pitch, velocity=velocity)
    off = Message("note_off", channel=channel, note=pitch)
    tracks[number].added += [(start, 1, on), (max(end, start + 1), 0, off)]


def _key(note: GridNote, change: Change) -> tuple[int, int]:
    """Return the step of a note, and its pitch or its drum class."""
    return round(note.start), _sound(note.pitch, change._replace(kit=None))


def _sound(pitch: int, change: Change) -> int:
    """Return a pitch, or for drums its class, -1 for none, by the drum map if there is one."""
    if not change.drums:
        return pitch
    general = pitch if change.kit is None else int(change.kit.general[pitch])
    return int(CLASS_OF_PITCH[general]) if general >= 0 else -1


def _same(old: GridNote, new: GridNote, drums: bool) -> bool:
    """Return whether notes of one step are equal: in length; of drums, in time and velocity."""
    if not drums:
        return round(old.end) == round(new.end)
    return abs(old.start - new.start) < NEAR and abs(old.velocity - new.velocity) < 1
