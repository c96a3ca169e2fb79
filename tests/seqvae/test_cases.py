"""Small files on which something went wrong, each for a whole kind, with what is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from seqvae.cli import command
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.playing import playable
from seqvae.music.representations import DrumCodec, MelodyCodec, detect
from seqvae.music.representations.windows import Windows
from vaecore.errors import DataError

CASES = Path(__file__).resolve().parents[1] / "cases"
MELODY, DRUMS = MelodyCodec(), DrumCodec()
TUNE = [60, 62, 64, 65, 64, 67, 65, 64]


def case(name: str) -> Path:
    return CASES / (name if "." in name or "/" in name else f"{name}.mid")


def windows(name: str, codec: MelodyCodec | DrumCodec = MELODY) -> Windows:
    return codec.explain(case(name), deduplicate=False)


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxed: object) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# file: tempo at the beginning, number of bars, number of notes
READ = {
    "tempo_in_second_track": (230, 4, 32),
    "tempo_in_first_track": (230, 4, 32),
    "waltz_meter_in_second_track": (120, 8, 24),
    "drums_tempo_change_on_beat_2": (100, 8, 104),
    "tempo_change_mid_bar": (120, 4, 32),
    "tempo_every_beat": (118, 16, 128),
    "drums_normal": (100, 2, 26),
    "drums_no_note_off": (100, 2, 26),
    "drums_hats_of_no_length": (100, 2, 26),
    "melody_last_note_hangs": (100, 2, 16),
    "melody_same_pitch_overlaps": (100, 2, 16),
    "program_over_127": (120, 4, 32),
    "song_of_30_bars": (120, 30, 240),
    "meter_2_4": (120, 4, 32),
    "tempo_zero_at_end": (120, 4, 32),
    "tempo_long_after_the_end": (120, 4, 32),
    "meter_6_8": (120, 8, 48),
    "meter_12_8": (120, 4, 48),
    "loop_1_bar": (120, 1, 13),
    "loop_starts_on_bar_2": (120, 3, 26),
    "rest_of_60_bars_first": (120, 64, 32),
    "pickup_1_4_then_4_4": (120, 5, 33),
    "pickup_without_meter": (120, 5, 33),
    "meter_2_2": (120, 4, 32),
    "meter_2_2_7_4_then_4_4": (120, 8, 64),
    "ppq_24": (120, 4, 32),
    "ppq_15360": (120, 4, 32),
    "text_shift_jis": (120, 4, 32),
    "sysex_and_empty_tracks": (120, 4, 32),
    "sustain_and_bends": (120, 4, 32),
    "running_status_over_meta": (120, 2, 26),
    "last_note_on_last_sixteenth": (120, 2, 16),
    "piano_two_hands_one_track": (120, 4, 44),
    "type2_two_patterns": (100, 2, 32),
    "melody_triplets": (120, 2, 24),
    "drums_triplet_shuffle": (120, 2, 24),
    "drums_mapped_from_c4": (100, 2, 26),
    "named/beat.midi": (100, 2, 26),
    "named/beat.kar": (100, 2, 26),
    "named/beat.smf": (100, 2, 26),
    "named/beat.rmi": (100, 2, 26),
    "named/beat.mid.gz": (100, 2, 26),
    "named/no_extension": (100, 2, 26),
    "named/my beat 01 (final).mid": (100, 2, 26),
    "named/грув – café 🥁.mid": (100, 2, 26),
}


@pytest.mark.parametrize("name", READ)
def test_tempo_bars_and_notes(name: str) -> None:
    score = read_score(case(name))
    assert (pytest.approx(score.tempo, rel=1e-5), score.bars, len(score.notes)) == READ[name]


@pytest.mark.parametrize("name", READ)
def test_show_render_and_windows_agree_on_the_bars(name: str, here: Path) -> None:
    _, bars, count = READ[name]
    shown = run("show", case(name), "--all").stdout.splitlines()[0]
    assert shown.split("  ")[1] == f"bars 1-{bars} of {bars}"
    assert sum(len(part.notes) for part in playable(case(name)).instruments) == count
    score = read_score(case(name))
    codec = DRUMS if detect(score).kind == "drums" else MELODY
    found = codec.explain(score)
    assert {context.of_bars for context in found.contexts} <= {bars, codec.bars}


REFUSED = {
    "division_smpte": "counts time in film frames",
    "tempo_zero": "a tempo is infinite",
    "named/score.musicxml": "no notes|music21",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("verb", ["show", "render", "reconstruct"])
def test_refusals(name: str, verb: str, here: Path) -> None:
    result = run(verb, case(name), code=1)
    (line,) = result.stderr.splitlines()
    assert any(reason in line for reason in REFUSED[name].split("|"))
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "metre", "bars"),
    [
        ("meter_6_8", "6/8", "1-8"),
        ("meter_12_8", "12/8", "1-4"),
        ("waltz_meter_in_second_track", "3/4", "1-8"),
    ],
)
def test_other_metres_are_refused_with_a_remedy_that_works(
    name: str, metre: str, bars: str, here: Path
) -> None:
    stderr = run("reconstruct", case(name), code=1).stderr
    assert f"is in {metre} in bars {bars}; models of 16 steps a bar know 4/4" in stderr
    assert "--meter 4/4" in stderr
    assert "bars 1-2 of 6" in run("reconstruct", case(name), "--meter", "4/4").stdout
    assert "is not a time signature" in run("show", case(name), "--meter", "4:4", code=2).stderr


def test_every_verb_that_reads_files_has_the_option_meter() -> None:
    without = {"sample", "models", "train", "page", "studio", "import", "export", "push"}
    commands = {name: each for name, each in command().commands.items() if name not in without}
    assert len(commands) >= 12
    assert [n for n, c in commands.items() if "meter" not in {p.name for p in c.params}] == []


def test_quiet_is_quiet_about_warnings_too(here: Path) -> None:
    assert run("reconstruct", case("program_over_127"), "-q").output == ""


def test_the_metre_of_the_music_is_named_and_not_that_of_its_pick_up(tmp_path: Path) -> None:
    import mido

    file = mido.MidiFile(case("meter_6_8"))
    file.tracks[0].insert(0, mido.MetaMessage("time_signature", numerator=1, denominator=8))
    file.tracks[0][1].time = 240
    file.save(tmp_path / "a.mid")
    with pytest.raises(DataError, match=r"is in 6/8 in bars 2-9 \(and 1 more like it\)"):
        MELODY.encode(tmp_path / "a.mid")


def test_tempo_in_a_later_track(here: Path) -> None:
    out = run("reconstruct", case("tempo_in_second_track")).stdout
    assert "bars 1-2 of 4 · 230 bpm" in out


def test_a_change_of_tempo_begins_no_bar(here: Path) -> None:
    found = windows("drums_tempo_change_on_beat_2", DRUMS)
    assert found.bars == tuple(range(1, 8))
    beat = DRUMS.encode(case("drums_normal"))
    assert all(np.array_equal(x, beat) for x in found.x)
    assert [c.changes for c in found.contexts if c.changes] == [
        ((20, pytest.approx(101, rel=1e-5)),),
        ((4, pytest.approx(101, rel=1e-5)),),
    ]
    assert (
        "bars 1-2 of 4 · 120 to 110 bpm" in run("reconstruct", case("tempo_change_mid_bar")).stdout
    )
    import pretty_midi

    times, tempi = pretty_midi.PrettyMIDI("reconstruction.mid").get_tempo_changes()
    assert times.tolist() == [0, 1]
    assert tempi == pytest.approx([120, 110], rel=1e-5)


def test_a_tempo_on_every_beat(here: Path) -> None:
    found = windows("tempo_every_beat")
    assert found.bars == tuple(range(1, 16))
    assert all(len(context.changes) == 7 for context in found.contexts)
    assert "of 16" in run("reconstruct", case("tempo_every_beat"), "--bar", 9).stdout


@pytest.mark.parametrize("name", ["drums_no_note_off", "drums_hats_of_no_length"])
def test_hits_without_a_length_are_hits(name: str) -> None:
    assert np.array_equal(DRUMS.encode(case(name)), DRUMS.encode(case("drums_normal")))


def test_a_note_that_is_never_ended_lasts_as_long_as_its_track() -> None:
    score = read_score(case("melody_last_note_hangs"))
    assert score.to_ticks(score.notes.end)[-1] == 3720  # the track ends where it begins
    assert MELODY.encode(case("melody_last_note_hangs"))[30] > 1


def test_overlapping_notes_keep_their_lengths() -> None:
    notes = read_score(case("melody_same_pitch_overlaps")).notes
    assert np.rint((notes.end - notes.start)[:2] / 0.6 * 480).tolist() == [300, 240]


def test_a_program_above_127_is_counted_and_not_taken(here: Path) -> None:
    for verb in ("show", "reconstruct"):
        assert "skipped 1 program above 127" in run(verb, case("program_over_127")).stderr
    assert read_score(case("program_over_127")).notes.program.tolist() == [0] * 32


def test_2_4_is_read_as_4_4_and_said(here: Path) -> None:
    result = run("reconstruct", case("meter_2_4"))
    assert "bars 1-2 of 4" in result.stdout
    assert "is in 2/4, read as 4/4, two bars as one" in result.stderr
    assert windows("meter_2_4").bars == windows("meter_2_2").bars == (1, 2, 3)


def test_every_verb_reads_what_is_packed(here: Path) -> None:
    for name in ("named/beat.rmi", "named/beat.mid.gz"):
        for verb in ("show", "render", "reconstruct"):
            run(verb, case(name), *(["-o", here / "a.wav"] if verb == "render" else []))
        plain = DRUMS.encode(case("drums_normal"))
        assert np.array_equal(DRUMS.encode(case(name)), plain)
    (here / "folder").mkdir()
    (here / "folder/a.kar").write_bytes(case("named/beat.kar").read_bytes())
    (here / "folder/b.mid.gz").write_bytes(case("named/beat.mid.gz").read_bytes())
    assert "2 files" in run("analyze", here / "folder", "--model", "drums_2bar").stdout


def test_scores_are_read_with_music21_and_refused_with_that_remedy_without_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "music21", None)
    stderr = run("show", case("named/tune.abc"), code=1).stderr
    assert "pip install 'seqvae[scores]'" in stderr
    monkeypatch.undo()
    pytest.importorskip("music21")
    score = read_score(case("named/tune.abc"))
    assert score.notes.pitch.tolist() == [60, 62, 64, 65, 67, 69, 71, 72]


def test_a_pick_up_is_bar_1_and_windows_begin_on_bar_lines() -> None:
    for name in ("pickup_1_4_then_4_4", "pickup_without_meter"):
        found = windows(name)
        tune = MELODY.encode(case("meter_2_2"))
        assert np.array_equal(found.x[found.bars.index(2)], tune), name


def test_bars_after_another_metre_are_on_their_lines() -> None:
    found = windows("meter_2_2_7_4_then_4_4")
    assert found.bars == (3, 4, 5, 6, 7)
    assert [r.text for r in found.rejections if r.rule == "meter"] == ["is in 7/4 in bar 2"]


@pytest.mark.parametrize("name", ["ppq_24", "ppq_15360", "text_shift_jis", "sysex_and_empty_tracks",
                                  "sustain_and_bends", "tempo_zero_at_end", "program_over_127",
                                  "tempo_long_after_the_end"])  # fmt: skip
def test_the_same_tune_in_files_of_every_kind(name: str) -> None:
    pitches = [60 + x - 41 for x in windows(name).x[0].tolist() if x > 1]
    assert pitches == [60 + x - 41 for x in windows("meter_2_2").x[0].tolist() if x > 1]


def test_pedals_and_bends_are_heard_and_not_read() -> None:
    (part,) = playable(case("sustain_and_bends")).instruments
    assert part.control_changes
    assert part.pitch_bends
    assert len(read_score(case("sustain_and_bends")).notes) == 32
