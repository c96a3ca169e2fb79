"""Pairs note-on and note-off events to notes, and finds the program of each, in arrays."""

from __future__ import annotations

import numpy as np


def stable_order(numbers: np.ndarray, limit: int) -> np.ndarray:
    """Return the stable order of numbers in 0..limit - 1."""
    if limit <= 1 << 16:
        numbers = numbers.astype(np.uint16)  # numpy sorts 16-bit integers in linear time
    return np.argsort(numbers, kind="stable")


def pairs(
    key: np.ndarray, keys: int, sounds: np.ndarray, tick: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the events that begin and that end each note, in the order of the ends.

    A note off ends every note of its key but those that begin on the same tick. If it ends any,
    those go on until the next note off of a later tick; if it ends none, they are lost.

    Args:
        key: Track, channel and pitch of every event in one number.
        keys: Keys are below this number.
        sounds: Which events begin a note; the others end one.
        tick: Time of every event.
    """
    order = stable_order(key, keys)
    sounding = sounds[order]
    begins, ends = np.flatnonzero(sounding), np.flatnonzero(~sounding)
    following = begins - np.arange(len(begins))  # the number of ends before each begin
    begins, following = begins[following < len(ends)], following[following < len(ends)]
    ending = order[ends]
    on, off = order[begins], ending[following]
    same = key[on] == key[off]
    on, off, following = on[same], off[same], following[same]
    at_once = tick[on] == tick[off]
    if at_once.any():
        number = np.arange(len(ends))
        ends_some, leaves_some = np.zeros((2, len(ends)), bool)
        ends_some[following[~at_once]] = True
        leaves_some[following[at_once]] = True
        later = np.zeros(len(ends), bool)  # than the note off before, and of the same key
        later[1:] = (np.diff(key[ending]) == 0) & (np.diff(tick[ending]) > 0)
        # A note off that leaves notes sounding makes the next one end some; so on, one by one.
        handed_on = later.copy()
        handed_on[1:] &= leaves_some[:-1]
        latest = np.maximum.accumulate(np.where(ends_some, number, -1))
        ends_some = latest >= np.maximum.accumulate(np.where(handed_on, -1, number))
        target = following + at_once
        within = np.minimum(target, len(ends) - 1)
        kept = ~at_once | (ends_some[following] & (target < len(ends)) & later[within])
        on, off = on[kept], ending[within[kept]]
    sorting = stable_order(off, len(key))  # of those that end together, the first begun is first
    return on[sorting], off[sorting]


def oldest_first(
    key: np.ndarray, keys: int, sounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the events that begin and that end each note, and those that begin notes without end.

    A note off ends the oldest note of its key that sounds; if none does, it means nothing.

    Args:
        key: Track, channel and pitch of every event in one number.
        keys: Keys are below this number.
        sounds: Which events begin a note; the others end one.
    """
    order = stable_order(key, keys)
    sounding, sorted_key = sounds[order], key[order]
    first = np.flatnonzero(np.diff(sorted_key, prepend=-1))  # of every key
    group = np.cumsum(np.diff(sorted_key, prepend=-1) != 0) - 1
    # How many notes would sound if every note off ended one, far lower in each group than in the
    # one before, so that a new low of all is a new low of the group: a note off without a note.
    level = np.cumsum(np.where(sounding, 1, -1))
    before = np.concatenate([[0], level])[first]
    level = level - before[group] - group * (2 * len(key) + 2)
    floor = -group * (2 * len(key) + 2)
    lowest = np.minimum(np.concatenate([floor[:1], np.minimum.accumulate(level)[:-1]]), floor)
    ends = ~sounding & (level >= lowest)
    counts = np.bincount(group[ends], minlength=len(first))
    begun = np.cumsum(sounding)
    rank = begun - np.concatenate([[0], begun])[first][group]  # 1 for the first note of a key
    matched = sounding & (rank <= counts[group])
    return order[matched], order[ends], order[sounding & ~matched]


def programs_at(
    places: np.ndarray,
    changes: np.ndarray,
    values: np.ndarray,
    lines: np.ndarray,
    events: np.ndarray,
    count: int,
) -> np.ndarray:
    """Return the program at every event: that of the last change before it on its channel, or 0.

    Args:
        places: Track and channel of every change, in one number.
        changes: Indices of the changes among all events, ascending.
        values: Their programs.
        lines: Track and channel of every event, in one number.
        events: Indices of the events.
        count: Number of channels of all tracks.
    """
    latest, program = np.full(count, -1), np.zeros(count, np.int64)
    latest[places] = changes
    program[places] = values
    if (latest[lines] < events).all():  # all changes come before all notes
        return np.asarray(program[lines])
    most = max(changes[-1], events.max()) + 1
    when = places * most + changes
    order = np.argsort(when)
    known = np.searchsorted(when[order], lines * most + events) - 1
    is_known = (known >= 0) & (places[order[known]] == lines)
    return np.where(is_known, values[order[known]], 0)
