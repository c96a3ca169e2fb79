"""The part of a score that options ask for: by track, channel, role, or drum map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seqvae.music.reading.grids import StepGrid
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.parts.choice import Part, heard, parts
from seqvae.music.representations.parts.kits import Kit
from seqvae.music.representations.roles import BASS, DRUMS, MELODY
from vaecore.errors import DataError

ROLES = (MELODY, BASS, DRUMS)
_LISTED = 12
"""Parts that a message lists."""


@dataclass(frozen=True)
class Selection:
    """What to take of a file.

    Attributes:
        track: Number of a part as `show --tracks` lists it, or a name, or a piece of one.
        channel: MIDI channel, 1 to 16.
        part: "melody", "bass" or "drums".
        drums: What is taken is drums, whatever its channel.
        kit: What the keys of the drums mean.
    """

    track: str | None = None
    channel: int | None = None
    part: str | None = None
    drums: bool = False
    kit: Kit | None = None

    @property
    def named(self) -> bool:
        """Whether it names a part, so that nothing is left to choose between tracks."""
        return not (self.track is None and self.channel is None and self.part is None)


def select(score: Score, selection: Selection) -> Score:
    """Return the music that a selection asks for: its parts only, with tempo and metre of all.

    Without any wish it is the whole score, in which drums are known by their names, too.

    Raises:
        DataError: There is no such part; the message lists those that there are.
    """
    score = heard(score)
    if selection == Selection():  # all
        return score
    there = parts(score)
    chosen = _by_channel(score, _by_track(score, there, selection.track), selection.channel)
    if selection.drums or (selection.kit is not None and not any(p.is_drum for p in chosen)):
        chosen = _forced(score, chosen)
        score = _as_drums(score, {part.number for part in chosen})
    if selection.part is not None:
        chosen = _by_role(score, chosen, selection.part, selection.drums)
    if len(chosen) < len(there):
        numbers = [part.number for part in chosen]
        score = replace(score, notes=score.notes[np.isin(score.notes.instrument, numbers)])
    if selection.kit is not None:
        score = replace(score, notes=_mapped(score, selection.kit))
    return score


def listed(found: Sequence[Part]) -> str:
    """Return parts as a message lists them."""
    shown = [f"{part.place} {part.title}" for part in found[:_LISTED]]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _by_track(score: Score, there: Sequence[Part], track: str | None) -> list[Part]:
    if track is None:
        return list(there)
    wanted = track.strip().lower()
    exact = [part for part in there if part.name.strip().lower() == wanted]
    if not exact and wanted.isdecimal():
        exact = [part for part in there if part.place == int(wanted)]
    found = exact or [part for part in there if wanted and wanted in part.name.lower()]
    if not found:
        remedy = f"choose one of its parts: {listed(there)}"
        raise DataError(f"has no part {track!r}", path=score.path, remedy=remedy)
    return found


def _by_channel(score: Score, there: list[Part], channel: int | None) -> list[Part]:
    if channel is None:
        return there
    found = [part for part in there if part.channel == channel]
    if not found:
        channels = ", ".join(map(str, sorted({part.channel for part in there})))
        remedy = f"it has notes on channel {channels}"
        raise DataError(f"has no notes on channel {channel}", path=score.path, remedy=remedy)
    return found


def _by_role(score: Score, there: list[Part], role: str, drums: bool) -> list[Part]:
    if role == DRUMS:
        found = there if drums else [part for part in there if part.is_drum]
    elif role == BASS:
        found = [part for part in there if part.role == BASS][:1]
        alone = [part for part in there if not part.is_drum]
        found = found or (alone if len(alone) == 1 else [])
    else:
        found = sorted(
            (part for part in there if not part.is_drum),
            key=lambda part: (part.role == BASS, -part.rating),
        )[:1]
    if not found:
        remedy = f"choose one of its parts with --track: {listed(there)}"
        raise DataError(f"has no {role}", path=score.path, remedy=remedy)
    return found


def _forced(score: Score, there: list[Part]) -> list[Part]:
    """Return the drums of some parts, or the one part that there is."""
    found = [part for part in there if part.is_drum] or there
    if len(found) > 1 and not found[0].is_drum:
        remedy = f"say which part is the drums with --track: {listed(there)}"
        raise DataError(
            "has several parts, and none is called drums", path=score.path, remedy=remedy
        )
    return found


def _as_drums(score: Score, numbers: set[int]) -> Score:
    notes = score.notes
    is_drum = notes.is_drum | np.isin(notes.instrument, list(numbers))
    return replace(score, notes=replace(notes, is_drum=is_drum))


def _mapped(score: Score, kit: Kit) -> Notes:
    """Return the notes with their drums as in General MIDI; keys without a drum are left out.

    Raises:
        DataError: No drum is left.
    """
    notes = score.notes
    drums = notes.is_drum
    pitch = np.where(drums, kit.general[notes.pitch], notes.pitch)
    kept = pitch >= 0
    if drums.any() and not (drums & kept).any():
        keys = ", ".join(map(str, np.unique(notes.pitch[drums])[:8].tolist()))
        remedy = f"its drums are on keys {keys}"
        raise DataError(f"has no drum of the map {kit.name}", path=score.path, remedy=remedy)
    return replace(notes, pitch=pitch)[kept]


def looped(score: Score, bars: int, grid: StepGrid) -> Score:
    """Return music of one bar, in one tempo, that many bars long; other music as it is.

    Args:
        score: The music.
        bars: How long it shall be.
        grid: Its bars must have this grid.
    """
    known = score.stretches[0].bar in grid.lengths
    if score.bars > 1 or bars == 1 or len(score.tempos) > 1 or not known:
        return score
    return _repeated(score, bars)


def _repeated(score: Score, times: int) -> Score:
    notes = score.notes
    bar = float(score.clock.to_seconds(score.bar_lines[1:2])[0])
    places = np.arange(times).repeat(len(notes)) * bar
    every = {name: np.tile(column, times) for name, column in vars(notes).items()}
    every["start"], every["end"] = every["start"] + places, every["end"] + places
    order = np.argsort(every["instrument"], kind="stable")
    return replace(score, notes=Notes(**every)[order])
