"""What all verbs of music may write: tempo, repeats, and the sound of every file."""

import json
from pathlib import Path

import mido
import pretty_midi
import pytest
import soundfile
from click.testing import CliRunner

import seqvae
from seqvae.cli import command


@pytest.fixture
def run(tmp_path, monkeypatch, boxed):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        result = CliRunner().invoke(command(), [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def facts(result):
    return json.loads(result.stdout)


def tempi(path):
    return pretty_midi.PrettyMIDI(str(path)).get_tempo_changes()[1].round(2).tolist()


GROOVE = Path(seqvae.__file__).parent / "models" / "groove_2bar"
VERBS = {
    "interpolate": ("rock.mid", "funk.mid", "--steps", 2),
    "palette": ("rock.mid", "funk.mid", "bossa.mid", "house.mid", "--rows", 2, "--columns", 2),
    "reconstruct": ("rock.mid",),
    "similar": ("rock.mid", "-n", 2),
    "edit": ("rock.mid", "--add", "note_density=1"),
    "sample": ("-n", 2),
    "humanize": ("rock.mid", "--model", GROOVE),
    "drumify": ("rock.mid", "--model", GROOVE),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_a_tempo_and_repeats(run, examples, verb):
    given = [examples / a if str(a).endswith(".mid") else a for a in VERBS[verb]]
    once = facts(run(verb, *given, "--json", "-o", "a.mid"))
    report = facts(run(verb, *given, "--bpm", 90, "--loop", 3, "--json", "-o", "b.mid"))
    assert report["tempo_bpm"] == [90, 90]
    assert tempi("b.mid") == [90]
    assert report["bars"] == 3 * once["bars"]
    assert report["seconds"] == pytest.approx(report["bars"] * 240 / 90)
    assert mido.MidiFile("b.mid").length == pytest.approx(report["seconds"], abs=0.01)

    def notes(path):
        return sum(len(part.notes) for part in pretty_midi.PrettyMIDI(path).instruments)

    assert notes("b.mid") == 3 * notes("a.mid") > 0


def test_repeats_follow_each_other_before_the_next_result(run, examples):
    a, b = examples / "rock.mid", examples / "funk.mid"
    run("interpolate", a, b, "--steps", 2, "--loop", 2, "--bpm", 120, "-q")
    file = mido.MidiFile("interpolation.mid")
    now, marks, hits = 0, [], {}
    for message in file.tracks[0]:
        now += message.time
        if message.type == "marker":
            marks.append((now / file.ticks_per_beat / 4, message.text))
    assert marks == [(0.0, "1/2 rock"), (4.0, "2/2 funk")]
    now = 0
    for message in file.tracks[1]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            bars, at = divmod(now, 8 * file.ticks_per_beat)
            hits.setdefault(bars, []).append((at, message.note))
    assert hits[0] == hits[1]
    assert hits[2] == hits[3]


def test_separate_files_have_a_sound_each(run, examples, tmp_path):
    a, b = examples / "rock.mid", examples / "funk.mid"
    report = facts(
        run("interpolate", a, b, "--steps=2", "--separate", "--wav", "--bpm=150", "--json")
    )
    names = ["interpolation_01", "interpolation_02"]
    assert report["files"] == [f"{n}.mid" for n in names] + [f"{n}.wav" for n in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(report["files"])
    for name in names:
        seconds = soundfile.info(f"{name}.wav").duration
        last = pretty_midi.PrettyMIDI(f"{name}.mid").get_end_time()
        assert seconds == pytest.approx(last + 1.5, abs=0.01)


def test_another_soundfont_implies_the_sound(run, examples):
    from seqvae.music.presentation.sound import default_soundfont

    report = facts(run("sample", "-n", 1, "--soundfont", default_soundfont(), "--json"))
    assert report["files"] == ["samples.mid", "samples.wav"]
    run("sample", "-n", 1, "--soundfont", "missing.sf2", "-o", "b.mid", code=1)
    assert not Path("b.mid").exists()


@pytest.mark.parametrize("wrong", [("--bpm", 0), ("--bpm", "nan"), ("--loop", 0)])
def test_wrong_values_are_refused(run, wrong):
    assert "Invalid value" in run("sample", *wrong, code=2).stderr
