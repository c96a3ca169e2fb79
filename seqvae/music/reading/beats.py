"""Bars from a list of beats beside a MIDI file, where its own time signatures are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.pieces import Meter
from vaecore.errors import DataError

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score

BEATS_SUFFIX = ".beats.txt"


def beats_file(path: str | os.PathLike[str]) -> str | None:
    """Return the path of the list of beats beside a MIDI file, None if there is none."""
    beats = os.path.splitext(path)[0] + BEATS_SUFFIX
    return beats if os.path.exists(beats) else None


def with_list(score: Score, path: str, times: str) -> Score:
    """Return a score with the bars of a list of beats.

    Args:
        score: The music.
        path: The file of the list, for the message.
        times: Its text: in each line a time in seconds, and flags; the last marks downbeats.

    Raises:
        DataError: It is no such list.
    """
    lines = [line.partition("#")[0] for line in times.splitlines()]
    try:
        if not any(line.strip() for line in lines):  # numpy would only warn
            raise ValueError("it has no beats")
        table = np.loadtxt(lines, ndmin=2)
        return with_beats(score, table[:, 0], table[:, -1] > 0)
    except (ValueError, IndexError) as error:
        remedy = "repair it or remove it to take the bars from the MIDI file"
        raise DataError(f"is not a list of beats ({error})", path=path, remedy=remedy) from error


def with_beats(score: Score, times: np.ndarray, downbeats: np.ndarray) -> Score:
    """Return the score with its bars taken from beat annotations.

    Time is warped piecewise linearly so that every beat is one quarter at one steady tempo
    (the median) and every downbeat starts a bar; bars of other than four beats become
    meters of their own. Existing tempos and time signatures are dropped.

    Args:
        score: The music.
        times: Beat times in seconds, ascending, at least two.
        downbeats: Which of the beats begin a bar, boolean, at least one.

    Raises:
        ValueError: There are too few beats, no downbeat, or times that do not ascend.
    """
    times, downbeats = np.asarray(times, float), np.asarray(downbeats, bool)
    if len(times) < 2 or times.shape != downbeats.shape or not downbeats.any():
        raise ValueError("with_beats needs two or more beats and at least one downbeat")
    if (np.diff(times) <= 0).any():
        raise ValueError("beat times must ascend")
    gaps = np.diff(times)
    beat = float(np.median(gaps))
    firsts = np.flatnonzero(downbeats)
    # Whole bars are inserted before the first downbeat, so that no note lies before time 0.
    early = firsts[0] + max(0.0, times[0] - score.notes.start.min(initial=times[0])) / gaps[0]
    lead = int(np.ceil(early / 4)) * 4 - firsts[0]

    def warp(seconds: np.ndarray) -> np.ndarray:
        k = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(gaps) - 1)
        return np.asarray((lead + k + (seconds - times[k]) / gaps[k]) * beat)

    meters, lengths = [Meter(0.0, 4, 4)], np.diff(firsts)
    for first, length in zip(firsts, lengths, strict=False):
        if length != meters[-1].numerator:
            meters.append(Meter(float((lead + first) * beat), int(length), 4))
    return _warped(score, warp, 60.0 / beat, meters)


def _warped(
    score: Score, warp: Callable[[np.ndarray], np.ndarray], tempo: float, meters: Sequence[Meter]
) -> Score:
    notes = replace(score.notes, start=warp(score.notes.start), end=warp(score.notes.end))
    return replace(
        score,
        notes=notes,
        tempos=((0.0, tempo),),
        meters=tuple(meters),
        resolution=None,
        keys=tuple((float(warp(np.array(time))), key) for time, key in score.keys),
        markers=tuple((float(warp(np.array(time))), text) for time, text in score.markers),
        words=tuple(warp(np.array(score.words)).tolist()),
    )
