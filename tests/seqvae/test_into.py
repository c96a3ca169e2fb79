"""`--into`: what is not changed stays, event for event; what is changed is in its place."""

from __future__ import annotations

import io
import json
import os
import random
from pathlib import Path

import mido
import numpy as np
import pytest

from seqvae.music.presentation.into import Change, put_back
from seqvae.music.reading.container import unpacked
from seqvae.music.reading.midi import read_score
from seqvae.music.representations import DrumCodec, MelodyCodec
from seqvae.music.representations.parts import parts
from seqvae.music.representations.writing import GridNote
from vaecore.errors import DataError

CASES = Path(__file__).parents[1] / "cases"
SHARED = Path(os.environ.get("SEQVAE_SHARED", "../shared")) / "data" / "midi"
MANY = 12


def events(data: bytes) -> list[list[tuple[int, str]]]:
    """Return the events of each track with their ticks."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(data), clip=True).tracks:
        now, found = 0, []
        for message in track:
            now += message.time
            found.append((now, str(message.copy(time=0))))
        tracks.append(found)
    return tracks


def unchanged(path: Path) -> tuple[bytes, bytes]:
    """Return a file, and the file with each of its windows put back as it is."""
    data, score = unpacked(path.read_bytes(), str(path)), read_score(path, beats=False)
    changes = []
    for codec in (MelodyCodec(2), DrumCodec(2)):
        found = codec.cover(score)
        for example, number in zip(found, found.instruments, strict=True):
            (notes,) = (t.notes for t in codec.tracks(example.x.numpy(), example.context))
            facts = score.tracks[number]
            tick = round(float(score.bar_lines[example.context.bar - 1]) * score.resolution)
            line = frozenset([(facts.track, facts.channel)])
            changes.append(Change(tick, 32, line, notes, notes, codec.name == "drums"))
    return data, put_back(data, str(path), changes)


@pytest.mark.parametrize(
    "name",
    [
        "song_of_30_bars",
        "piano_long_melody_over_arpeggio",
        "band_drums_on_channel1",
        "meter_2_2",
        "tempo_every_beat",
        "type2_two_patterns",
        "sysex_and_empty_tracks",
        "text_shift_jis",
        "running_status_over_meta",
        "sustain_and_bends",
        "melody_same_pitch_overlaps",
    ],
)
def test_an_unchanged_window_gives_the_case_back(name):
    before, after = unchanged(CASES / f"{name}.mid")
    assert events(before) == events(after)


def test_an_unchanged_window_gives_real_files_back():
    """A property of files of all kinds, those that mido cannot read apart."""
    folders = [SHARED / kind for kind in ("wild", "karaoke", "freedoom")]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip("needs ../shared/data/midi")
    files = [sorted(folder.rglob("*.mid")) for folder in folders]
    draw = random.Random(0)
    chosen = [path for kind in files for path in draw.sample(kind, min(MANY // 2, len(kind)))]
    checked = 0
    for path in draw.sample(chosen, MANY):
        try:
            before, after = unchanged(path)
        except DataError:
            continue
        assert events(before) == events(after), path
        checked += 1
    assert checked >= MANY * 3 // 4


def song() -> tuple[bytes, frozenset[tuple[int, int]]]:
    """Return a melody of two bars, a bass, and a held note over the middle, with what else is."""
    file = mido.MidiFile(ticks_per_beat=480)
    meta = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=400_000, time=0),
            mido.MetaMessage("marker", text="verse", time=960),
        ]
    )
    line = mido.MidiTrack([mido.Message("program_change", program=40, time=0)])
    for pitch in (60, 62, 64, 65):
        line.append(mido.Message("note_on", note=pitch, velocity=71 + pitch % 5, time=7))
        line.append(mido.Message("control_change", control=11, value=pitch, time=0))
        line.append(mido.Message("note_on", note=pitch, velocity=0, time=953))
    bass = mido.MidiTrack(
        [
            mido.Message("note_on", channel=1, note=36, velocity=50, time=0),
            mido.Message("note_off", channel=1, note=36, time=3840),
        ]
    )
    file.tracks += [meta, line, bass]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue(), frozenset([(1, 0)])


def notes(data: bytes, track: int) -> list[tuple[int, int, int]]:
    """Return onset, end and pitch of the notes of a track."""
    sounding: dict[int, int] = {}
    found = []
    for tick, text in events(data)[track]:
        message = mido.Message.from_str(text) if text.startswith("note") else None
        if message is not None and message.type == "note_on" and message.velocity:
            sounding[message.note] = tick
        elif message is not None:
            found.append((sounding.pop(message.note), tick, message.note))
    return found


def test_only_what_differs_is_changed():
    data, line = song()
    before = [GridNote(0, 8, 60), GridNote(8, 16, 62), GridNote(16, 24, 64), GridNote(24, 32, 65)]
    after = [GridNote(0, 8, 60), GridNote(8, 12, 62), GridNote(20, 24, 67, 99), before[3]]
    changed = put_back(data, "a.mid", [Change(0, 32, line, before, after)])
    assert events(changed)[0] == events(data)[0]
    assert events(changed)[2] == events(data)[2]
    assert notes(changed, 1) == [(7, 960, 60), (967, 1440, 62), (2400, 2880, 67), (2887, 3840, 65)]
    controls = [[e for e in events(d)[1] if "note" not in e[1]] for d in (data, changed)]
    assert controls[0] == controls[1]
    assert (2400, "note_on channel=0 note=67 velocity=99 time=0") in events(changed)[1]


def test_notes_that_are_held_into_a_window_or_out_of_it_keep_what_is_outside():
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.Message("note_on", note=60, velocity=80, time=0),
                mido.Message("note_off", note=60, time=5760),
            ]
        )
    )
    buffer = io.BytesIO()
    file.save(file=buffer)
    held, line = [GridNote(0, 16, 60)], frozenset([(0, 0)])
    cut = put_back(buffer.getvalue(), "a.mid", [Change(1920, 16, line, held, [])])
    assert notes(cut, 0) == [(0, 1920, 60)]
    later = put_back(buffer.getvalue(), "a.mid", [Change(0, 16, line, held, [])])
    assert notes(later, 0) == [(1920, 5760, 60)]


def test_what_mido_cannot_read_is_refused_in_one_line():
    with pytest.raises(DataError, match="breaks the MIDI standard"):
        put_back(b"MThd", "a.mid", [])


# The command


def test_the_result_is_in_its_place_and_all_else_is_as_it_was(run, tmp_path):
    path = CASES / "band_drums_on_channel1.mid"
    report = json.loads(
        run("reconstruct", path, "--track", "Lead Synth", "--model", "melody_2bar", "--bar", 5,
            "--into", "--json").stdout
    )  # fmt: skip
    assert report["replaced"] == 1
    was, now = events(path.read_bytes()), events((tmp_path / "reconstruction.mid").read_bytes())
    (lead,) = (p.track for p in parts(read_score(path)) if p.name == "Lead Synth")
    assert [a == b for k, (a, b) in enumerate(zip(was, now, strict=True)) if k != lead] == [
        True
    ] * 3
    bars = [[e for e in each[lead] if not 4 * 1920 <= e[0] <= 6 * 1920] for each in (was, now)]
    assert bars[0] == bars[1]
    assert was[lead] != now[lead]  # the tiny model keeps little
    score = read_score(tmp_path / "reconstruction.mid")
    made = MelodyCodec(2).cover(score, 5)
    assert made.bars[0] == 5


def test_a_drum_map_is_undone_on_the_way_back(run, tmp_path):
    (tmp_path / "own.yaml").write_text("60: kick\n62: snare\n64: closed hi-hat\n")
    path = CASES / "drums_mapped_from_c4.mid"
    run("similar", path, "--drum-map", "own.yaml", "-n", 1, "--amount", 1, "--into", "-o", "x.mid")
    assert events((tmp_path / "x.mid").read_bytes()) != events(path.read_bytes())
    pitches = np.unique(read_score(tmp_path / "x.mid").notes.pitch)
    assert not {36, 38, 42}.intersection(pitches.tolist())


def test_a_song_is_morphed_into_the_first_one(run):
    a, b = CASES / "song_of_30_bars.mid", CASES / "piano_left_hand_first.mid"
    report = json.loads(run("interpolate", a, b, "--all", "--into", "--json", "--model",
                            "melody_2bar").stdout)  # fmt: skip
    assert report["replaced"] == 15


def test_several_results_for_a_window_are_refused(run):
    path = CASES / "song_of_30_bars.mid"
    assert "--separate" in run("similar", path, "--into", code=2).stderr
    report = json.loads(run("similar", path, "-n", 2, "--into", "--separate", "--json").stdout)
    assert report["files"] == ["similar_01.mid", "similar_02.mid"]
    assert "--bpm" in run("reconstruct", path, "--into", "--bpm", 90, code=2).stderr
