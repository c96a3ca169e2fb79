"""Which part is meant: drums by name, the melody, the bass, options that say so, drum maps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations import DrumCodec, MelodyCodec, TrioCodec, detect
from seqvae.music.representations.melody.codec import top_line
from seqvae.music.representations.parts import Selection, kit, parts, select, voices
from seqvae.music.representations.parts.names import tells_bass, tells_drums, tells_melody
from vaecore.errors import DataError, UsageError

CASES = Path(__file__).parents[1] / "cases"
TUNE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 71, 67, 64, 62]
MELODY = MelodyCodec(2)


def case(name: str) -> Path:
    return CASES / f"{name}.mid"


def pitches(item: object) -> list[int]:
    return [note.pitch for note in MELODY.notes(MELODY.encode(item).numpy())]


def song(
    path: Path, *tracks: tuple[str, int, Sequence[tuple[float, float, int]]], words: int = 0
) -> Path:
    """Write tracks `(name, channel from 0, (start, end, pitch) in quarters)` at 120 bpm.

    Args:
        path: The file.
        tracks: The tracks.
        words: The number of the track whose notes have words, 0 for none.
    """
    file = MidiFile(ticks_per_beat=480)
    for number, (name, channel, notes) in enumerate(tracks, 1):
        events: list[tuple[float, int, object]] = []
        for start, end, pitch in notes:
            events.append((end, 0, Message("note_off", channel=channel, note=pitch)))
            if number == words:
                events.append((start, 1, MetaMessage("lyrics", text="la")))
            events.append((start, 2, Message("note_on", channel=channel, note=pitch, velocity=90)))
        track, now = MidiTrack([MetaMessage("track_name", name=name)]), 0
        for time, _, message in sorted(events, key=lambda event: event[:2]):
            track.append(message.copy(time=round(time * 480) - now))
            now = round(time * 480)
        file.tracks.append(track)
    file.save(path)
    return path


def line(pitches: Sequence[int], step: float = 0.5, length: float | None = None):
    return [(k * step, k * step + (length or step), pitch) for k, pitch in enumerate(pitches)]


# Names


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Melody", 1),
        ("Lead Vocal", 1),
        ("Right Hand", 1),
        ("Lead Guitar", 0.4),
        ("Sawtooth Lead", 0),
        ("Lead 2 (sawtooth)", 0),
        ("Synth Voice", 0),
        ("Voice Oohs", 0),
        ("Piano", 0),
        ("", 0),
        ("Melody Echo", -0.6),
        ("High Harmony", -0.6),
        ("Left Hand", -0.6),
        ("メロディー", 1),
        ("コード", -0.6),
    ],
)
def test_names_tell_of_melodies_and_names_of_sounds_do_not(name, told):
    assert tells_melody(name) == told


def test_names_of_drums_need_notes_of_a_kit():
    kit_notes, tune = np.array([36, 42, 38, 42]), np.array(TUNE)
    for name in ("Drums", "DRUM KIT", "Percussion", "drm", "Drum Set 1"):
        assert tells_drums(name, kit_notes), name
    for name in ("Steel Drums", "Taiko Drum", "Kick Bass", "Piano", "Dreams", ""):
        assert not tells_drums(name, kit_notes), name
    assert not tells_drums("Drums", tune)
    assert tells_bass("Synth Bass")
    assert not tells_bass("Bass Drum")
    assert not tells_bass("Bass Clarinet")


# The cases


def test_a_held_note_above_an_arpeggio_stays_the_melody():
    assert pitches(case("piano_long_melody_over_arpeggio")) == [76, 74, 72, 71]


def test_the_right_hand_is_the_melody_though_the_left_comes_first():
    left, right = parts(read_score(case("piano_left_hand_first")))
    assert (left.role, right.role) == ("bass", "melody")
    assert pitches(case("piano_left_hand_first"))[:8] == [p + 12 for p in TUNE[:8]]


def test_two_hands_on_one_track_are_read_as_before():
    assert pitches(case("piano_two_hands_one_track"))[:8] == [p + 12 for p in TUNE[:8]]


def test_the_name_of_a_sound_is_no_melody():
    assert pitches(case("track_named_sawtooth_lead"))[:4] == [72, 74, 76, 77]


def test_drums_are_known_by_their_name():
    assert detect(case("drums_channel1_named")) == ("drums", 2)
    named, normal = (DrumCodec(2).encode(case(n)) for n in ("drums_channel1_named", "drums_normal"))
    assert named.equal(normal)
    assert detect(case("band_drums_on_channel1")) == ("trio", 16)
    x = TrioCodec(2).encode(case("band_drums_on_channel1"))
    assert (x > 0).any(0).all()


def test_prepare_reads_as_it_did():
    """Shards stay the same: `find` without a wish knows nothing of the rules."""
    score = read_score(case("piano_left_hand_first"))
    assert MELODY.find(score).windows[0].instrument == 0
    assert MELODY.read(score).instruments[0] == 1
    score = read_score(case("piano_long_melody_over_arpeggio"))
    assert (MELODY.find(score).windows[0].x > 1).sum() > 4
    assert not read_score(case("drums_channel1_named")).notes.is_drum.any()


# The rule


def test_of_equal_parts_the_first_is_taken_and_a_copy_an_octave_lower_is_not():
    high, low = line([p + 12 for p in TUNE] * 4), line(TUNE * 4)
    score = read_score_of(low, high)
    assert [p.role for p in parts(score)] == ["", "melody"]
    assert [p.role for p in parts(read_score_of(high, high))] == ["melody", ""]


def read_score_of(*tracks: Sequence[tuple[float, float, int]]) -> Score:
    rows = [(a / 2, b / 2, p, 80, k) for k, notes in enumerate(tracks) for a, b, p in notes]
    return Score(Notes.of(*(np.array(column) for column in zip(*rows, strict=True))))


def test_an_ostinato_a_drone_and_chords_are_no_melody():
    tune = line(TUNE * 4)
    ostinato = line([84, 79] * 64, 0.25)
    drone = line([72] * 8, 4)
    chords = [n for p in (76, 79, 84) for n in line([p, p + 2] * 4, 4)]
    for other in (ostinato, drone, chords):
        score = read_score_of(other, tune)
        assert [p.role == "melody" for p in parts(score)] == [False, True]


def test_the_part_that_carries_the_words_is_the_melody(tmp_path):
    sung, other = line([48, 50, 52, 50] * 8, 1), line([p + 12 for p in TUNE] * 4)
    plain = song(tmp_path / "a.mid", ("x", 0, other), ("y", 1, sung))
    with_words = song(tmp_path / "b.mid", ("x", 0, other), ("y", 1, sung), words=2)
    assert [p.role for p in parts(read_score(plain))] == ["melody", "bass"]
    first, second = parts(read_score(with_words))
    assert (first.role, second.role) == ("", "melody")
    assert "words" in second.why


def test_the_bass_goes_by_register_and_not_by_its_sound_alone():
    high = [(a, b, p + 12) for a, b, p in line(TUNE * 4)]
    low = line([36, 43] * 16, 1)
    score = read_score_of(high, low)
    programs = np.where(score.notes.instrument == 0, 33, 81)
    score = Score(
        Notes.of(
            *(vars(score.notes)[n] for n in ("start", "end", "pitch")),
            80,
            score.notes.instrument,
            programs,
        )
    )
    assert voices(score) == {0: "melody", 1: "bass"}


def test_notes_below_a_sounding_one_are_left_out_and_legato_is_kept():
    def kept(*notes: tuple[int, int, int]) -> list[int]:
        start, end, pitch = np.array(notes).T
        return top_line(Notes.of(start, end, pitch)).pitch.tolist()

    assert kept((0, 8, 76), (2, 4, 60), (6, 8, 64), (8, 16, 74)) == [76, 74]
    assert kept((0, 5, 67), (4, 8, 65), (8, 12, 64)) == [67, 65, 64]  # one step of legato
    assert kept((0, 8, 60), (2, 4, 72)) == [60, 72]
    assert kept((0, 96, 84), (2, 4, 60), (40, 44, 62)) == [84, 62]  # a pedal point


# Options


def test_parts_are_named_by_number_name_channel_or_role(tmp_path):
    path = song(
        tmp_path / "song.mid",
        ("Strings", 2, line([55, 57] * 8, 2)),
        ("Flute 1", 3, line(TUNE * 4)),
        ("Flute 2", 4, line([p - 5 for p in TUNE] * 4)),
        ("Bass", 5, line([36, 43] * 16, 1)),
    )
    score = read_score(path)

    def chosen(**wish: object) -> list[str]:
        left = select(score, Selection(**wish))
        return [part.name for part in parts(left)]

    assert chosen(track="2") == ["Flute 1"]
    assert chosen(track="flute") == ["Flute 1", "Flute 2"]
    assert chosen(track="FLUTE 2") == ["Flute 2"]
    assert chosen(channel=3) == ["Strings"]
    assert chosen(part="bass") == ["Bass"]
    assert chosen(part="melody") == ["Flute 1"]
    assert len(chosen()) == 4
    with pytest.raises(DataError, match=r"has no part 'oboe'.*2 .Flute 1."):
        chosen(track="oboe")
    with pytest.raises(DataError, match=r"channel 9.*3, 4, 5, 6"):
        chosen(channel=9)
    with pytest.raises(DataError, match="has no drums"):
        chosen(part="drums")
    with pytest.raises(DataError, match="has several parts"):
        chosen(drums=True)
    assert select(score, Selection(track="1", drums=True)).notes.is_drum.all()


def test_pattern_b_of_a_type_2_file_can_be_reached():
    score = read_score(case("type2_two_patterns"))
    assert pitches(score)[:3] == [60, 62, 64]
    assert pitches(select(score, Selection(track="Pattern B")))[:3] == [62, 64, 67]


# Drum maps


def test_a_map_of_ones_own_makes_drums_of_any_keys(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("C4: kick\nD4: snare\n64: closed hat\n")
    score = select(read_score(case("drums_mapped_from_c4")), Selection(kit=kit(path)))
    assert DrumCodec(2).encode(score).equal(DrumCodec(2).encode(case("drums_normal")))
    path.write_text("middle_c: C3\nC3: kick\n")
    assert np.flatnonzero(kit(path).general >= 0).tolist() == [60]


def test_the_kits_of_makers():
    assert (kit("GM").general == np.arange(128)).all()
    assert kit("roland").general[[22, 26, 48]].tolist() == [42, 46, 50]
    assert kit("alesis").general[23] == 46
    assert kit("ableton").general[[36, 38, 42, 46]].tolist() == [36, 38, 42, 46]
    assert kit("roland").key(0) == 35


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "36: trumpet\n", "H4: kick\n", "400: kick\n", "a: [", "36: kick: 2", "\0"]
)
def test_a_bad_map_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        kit(path)
    assert "36: kick" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_map_is_refused_with_the_names():
    with pytest.raises(UsageError, match="general_midi, roland, alesis, ableton"):
        kit("yamaha")


# The command


def test_one_line_says_what_was_taken_and_why(run):
    result = run("reconstruct", case("piano_left_hand_first"))
    assert '"Right Hand" (part 2 of 2: its name and the highest line)' in result.stdout
    result = run("reconstruct", case("piano_left_hand_first"), "--track", "1", "--json")
    (taken,) = json.loads(result.stdout)["windows"][0]["inputs"][0]["parts"]
    assert taken == {"voice": "melody", "part": [1], "name": ["Left Hand"], "why": "as asked"}
    result = run("reconstruct", case("song_of_30_bars"))
    assert "part" not in result.stdout


def test_options_are_given_once_or_for_each_input(run):
    both = case("piano_left_hand_first"), case("track_named_sawtooth_lead")
    result = run("interpolate", *both, "--track", "left", "--track", "2", "--json")
    (window,) = json.loads(result.stdout)["windows"]
    assert [i["parts"][0]["name"] for i in window["inputs"]] == [["Left Hand"], ["Sawtooth Lead"]]
    result = run("interpolate", *both, both[0], "--part", "bass", "--part", "melody", code=2)
    assert "--part: got 2 for 3 inputs" in result.stderr


def test_show_tracks_lists_what_there_is(run):
    text = run("show", "--tracks", case("band_drums_on_channel1")).stdout
    assert [word in text for word in ("Drum Kit", "C5-C6", "bass (its name)")] == [True] * 3
    report = json.loads(run("show", "--tracks", "--json", case("band_drums_on_channel1")).stdout)
    assert [t["taken_for"] for t in report["tracks"]] == ["drums", "bass", "melody"]
    assert report["tracks"][2]["lowest"] == 72
    run("show", "--json", case("band_drums_on_channel1"), code=2)
