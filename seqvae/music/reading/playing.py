"""A MIDI file as a `PrettyMIDI` with all that is heard: notes, pedals and other settings, bends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.container import unpacked
from seqvae.music.reading.midi import read_bytes, read_score, refusals
from seqvae.music.reading.smf_music import Music, read_music

if TYPE_CHECKING:
    from pretty_midi import Instrument, PrettyMIDI

MOST_TICKS = 5_000_000
"""A PrettyMIDI holds the time of every tick; longer music has fewer ticks in a quarter."""
_CONTROL, _BEND = 0xB, 0xE


def playable(path: str | os.PathLike[str]) -> PrettyMIDI:
    """Return a file as it is heard, read as `read_score` reads it.

    Notes are in one instrument for each channel of a track and program; pedals, other controllers
    and pitch bends are those of the channel, in whatever track they are.

    Raises:
        DataError: The file cannot be used.
    """
    import pretty_midi

    read_score(path, beats=False)  # raises what is wrong with it
    name = os.fspath(path)
    with refusals(name):
        music = read_music(unpacked(read_bytes(path), name))
        clock = music.clock()
    last = int(music.notes[:, 1].max())
    coarse = -(-last // MOST_TICKS)
    midi = pretty_midi.PrettyMIDI(resolution=max(1, music.resolution // coarse))
    factor = music.resolution / midi.resolution
    scales = zip(clock.ticks.tolist(), clock.scales.tolist(), strict=True)
    # There is no public way to set the tempos of a PrettyMIDI; its reader does the same.
    midi._tick_scales = [(round(tick / factor), scale * factor) for tick, scale in scales]
    midi._update_tick_to_time(round(last / factor))
    for tick, above, below in music.meters:
        time = float(clock(np.array(tick)))
        midi.time_signature_changes.append(pretty_midi.TimeSignature(above, below, time))
    on, off, pitch, velocity, number, program = music.notes.T
    start, end = clock(on), clock(off)
    for key in np.unique(number * 128 + program).tolist():
        facts = music.tracks[key // 128]
        part = pretty_midi.Instrument(key % 128, facts.is_drum, facts.name)
        own = np.flatnonzero(number * 128 + program == key)
        columns = (velocity[own], pitch[own], start[own], end[own])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        part.notes = [pretty_midi.Note(*row) for row in rows]
        _add_settings(part, music, facts.channel)
        midi.instruments.append(part)
    return midi


def _add_settings(part: Instrument, music: Music, channel: int) -> None:
    """Give an instrument the controllers and bends of its channel, up to the last note."""
    import pretty_midi

    events, clock = music.events, music.clock()
    kind = events.status >> 4
    own = (events.status & 15 == channel) & ((kind == _CONTROL) | (kind == _BEND))
    own &= events.tick <= music.notes[:, 1].max()
    index = np.flatnonzero(own)
    index = index[np.argsort(events.tick[index], kind="stable")]
    columns = (kind[index], events.value[index], events.second[index], clock(events.tick[index]))
    for what, value, second, time in zip(*(c.tolist() for c in columns), strict=True):
        if what == _CONTROL:
            part.control_changes.append(pretty_midi.ControlChange(value, second, time))
        else:
            bend = (second << 7 | value) - 8192
            part.pitch_bends.append(pretty_midi.PitchBend(bend, time))
