"""The `seqvae` command: what every verb writes, prints and reports."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pretty_midi
import pytest
from click.testing import Result


def facts(result: Result) -> dict[str, Any]:
    assert result.stderr == ""
    return json.loads(result.stdout)


def tempo(path: Path) -> list[float]:
    return pretty_midi.PrettyMIDI(str(path)).get_tempo_changes()[1].tolist()


def test_interpolate_without_options_does_the_sensible_thing(run, examples, tmp_path):
    result = run("interpolate", examples / "rock.mid", examples / "funk.mid")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["drums_2bar", "for", "drums,", "2", "bars", "or", "more"]
    assert lines[1].split() == ["rock.mid", "bars", "1-2", "of", "2", "·", "120", "bpm"]
    pictures = [line for line in lines if "│" in line]
    assert len(pictures) == 9
    assert pictures[0].endswith("rock")
    assert pictures[-1].endswith("funk")
    assert lines[-3] == "interpolation.mid"
    assert lines[-1].strip() == "listen: seqvae render interpolation.mid"
    assert max(map(len, lines)) <= 80
    assert [path.name for path in tmp_path.iterdir()] == ["interpolation.mid"]
    midi = pretty_midi.PrettyMIDI("interpolation.mid")
    assert midi.instruments[0].is_drum
    # Nine times two bars, from 120 bpm to 98 bpm.
    assert tempo(tmp_path / "interpolation.mid")[0] == pytest.approx(120, abs=0.01)
    assert tempo(tmp_path / "interpolation.mid")[-1] == pytest.approx(98, abs=0.01)
    assert len(midi.get_downbeats()) >= 17


def test_interpolate_takes_melodies_their_tempo_and_instrument(run, examples):
    report = facts(
        run("interpolate", examples / "garden.mid", examples / "voyage.mid", "--steps=3", "--json")
    )
    assert report["model"] == "melody_2bar"
    assert report["files"] == ["interpolation.mid"]
    assert report["tempo_bpm"] == [120, 104]
    assert report["bars"] == 6
    assert report["seconds"] == pytest.approx(2 * 240 * (1 / 120 + 1 / 112 + 1 / 104), abs=0.01)
    first, last = report["windows"][0]["inputs"]
    assert (first["bars"], last["bars"]) == ([1, 2], [1, 2])
    assert report["windows"][0]["latent_distances"][0] > 0
    programs = {part.program for part in pretty_midi.PrettyMIDI("interpolation.mid").instruments}
    assert programs == {first["program"], last["program"]}


def test_bar_chooses_the_window(run, examples):
    a, b = examples / "garden.mid", examples / "voyage.mid"
    report = facts(run("interpolate", a, b, "--bar", 3, "--bar", 5, "--json"))
    assert [i["bars"] for i in report["windows"][0]["inputs"]] == [[3, 4], [5, 6]]
    report = facts(run("interpolate", a, b, "--bar", 3, "--json"))
    assert [i["bars"] for i in report["windows"][0]["inputs"]] == [[3, 4], [3, 4]]
    run("interpolate", a, b, "--bar", 1, "--bar", 2, "--bar", 3, code=2)
    assert "bar 99" in run("interpolate", a, b, "--bar", 99, code=1).stderr


def test_all_goes_window_by_window_through_the_shorter_song(run, examples):
    a, b = examples / "garden.mid", examples / "voyage.mid"
    report = facts(run("interpolate", a, b, "--all", "--steps", 3, "--json"))
    bars = [[i["bars"][0] for i in window["inputs"]] for window in report["windows"]]
    assert bars == [[bar, bar] for bar in range(1, 16, 2)]
    assert report["bars"] == 2 * 3 * 8
    report = facts(run("interpolate", a, b, "--all", "--steps", 3, "--separate", "--json"))
    assert report["files"] == [f"interpolation_0{k}.mid" for k in (1, 2, 3)]
    whole = pretty_midi.PrettyMIDI("interpolation_01.mid")
    assert whole.get_end_time() > 14 * 2  # all eight windows of the step


def test_extra_outputs(run, examples, tmp_path):
    a, b = examples / "rock.mid", examples / "funk.mid"
    report = facts(run("interpolate", a, b, "-o", "x.mid", "--png", "--wav", "--steps=2", "--json"))
    assert report["files"] == ["x.mid", "x.png", "x.wav"]
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "x.wav").read_bytes().startswith(b"RIFF")


def test_ends_are_the_reconstructions(run, examples):
    a, b = examples / "rock.mid", examples / "funk.mid"
    run("interpolate", a, b, "--separate", "--steps", 4, "-q")
    run("reconstruct", a, "-q")
    first = pretty_midi.PrettyMIDI("interpolation_01.mid").instruments[0].notes
    same = pretty_midi.PrettyMIDI("reconstruction.mid").instruments[0].notes
    assert [(n.start, n.pitch) for n in first] == [(n.start, n.pitch) for n in same]


@pytest.mark.parametrize(
    "arguments",
    [
        "interpolate rock.mid funk.mid bossa.mid --steps 5 --temperature 0.5 --path lerp",
        "palette rock.mid funk.mid bossa.mid house.mid --rows 3 --columns 2",
        "sample -n 3",
        "reconstruct rock.mid",
        "edit rock.mid --add note_density=-1",
        "similar rock.mid -n 2 --amount 0.5",
    ],
)
def test_same_seed_same_bytes(run, examples, tmp_path, arguments):
    verb, *rest = [examples / a if a.endswith(".mid") else a for a in arguments.split()]
    report = facts(run(verb, *rest, "-o", "a.mid", "--seed", 7, "--json"))
    assert report["verb"] == verb
    assert report["files"] == ["a.mid"]
    assert run(verb, *rest, "-o", "b.mid", "--seed", 7, "--quiet").output == ""
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert run(verb, *rest).stdout.strip()


@pytest.mark.parametrize(
    ("names", "options", "cells", "corners"),
    [
        ("rock funk", ("--columns", 4), (1, 4), [0, 3]),
        ("rock funk house", ("--columns", 3, "--rows", 2), (2, 3), [0, 2, 4]),
        ("rock funk house bossa", ("--columns", 3, "--rows", 3), (3, 3), [0, 2, 6, 8]),
    ],
)
def test_a_palette_as_a_page(run, examples, names, options, cells, corners):
    files = [examples / f"{name}.mid" for name in names.split()]
    report = facts(run("palette", *files, *options, "-o", "x.html", "--bpm", 100, "--json"))
    assert report["files"] == ["x.html"]
    text = Path("x.html").read_text()
    assert report["bytes"] == len(text.encode()) < 400_000
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert (data["rows"], data["columns"], data["corners"]) == (*cells, corners)
    assert data["names"] == names.split()
    assert {tempo for blend in data["blends"] for _, tempo in blend["tempos"]} == {100}
    run("palette", *files, *options, "-o", "y.html", "--bpm", 100, "-q")
    assert Path("y.html").read_text() == text


def test_a_song_on_a_page_needs_steps(run, examples):
    song = [examples / "voyage.mid", examples / "garden.mid", "--all", "-o", "x.html"]
    assert "--steps" in run("interpolate", *song, code=2).stderr
    assert not Path("x.html").exists()
    run("interpolate", *song, "--steps", 3, "-q")
    data = json.loads(re.search(r'id="data">(.*?)</script>', Path("x.html").read_text())[1])
    assert len(data["blends"]) == 3
    assert data["blends"][0]["length"] > 2 * 1920


def test_another_seed_gives_another_sample(run, tmp_path):
    run("sample", "-o", "a.mid")
    run("sample", "-o", "b.mid", "--seed", 1)
    assert (tmp_path / "a.mid").read_bytes() != (tmp_path / "b.mid").read_bytes()


def test_reconstruct_says_what_is_kept(run, examples):
    report = facts(run("reconstruct", examples / "rock.mid", "--json"))
    assert 0 <= report["steps_kept"] <= 1
    text = run("reconstruct", examples / "rock.mid").stdout
    assert "original" in text
    assert "of 32 steps" in text


def test_edit_names_the_attributes(run, examples):
    text = run("edit", examples / "rock.mid", "--add", "swag=1", code=2).stderr
    assert text == "Error: unknown attribute 'swag'; known are: note_density\n"
    run("edit", examples / "rock.mid", "--add", "note_density", code=2)
    run("edit", examples / "rock.mid", "--add", "note_density=nan", code=2)


def test_edit_names_the_model_that_has_an_attribute(run, box, use_box, examples, tmp_path):
    more = shutil.copytree(box, tmp_path / "more")
    config = json.loads((more / "drums_2bar" / "config.json").read_text())
    config["attributes"] = {"swag": {}}
    shutil.copytree(more / "drums_2bar", more / "other")
    (more / "other" / "config.json").write_text(json.dumps(config))
    use_box(more)
    song = examples / "rock.mid"
    text = run("edit", song, "--model", "drums_2bar", "--add", "swag=1", code=2).stderr
    assert text == (
        "Error: unknown attribute 'swag'; known are: note_density; --model other has it\n"
    )


def test_a_sweep_goes_through_a_range(run, examples):
    song = examples / "rock.mid"
    report = facts(
        run("edit", song, "--add", "note_density=1", "--sweep=-2:2:3", "--separate", "--json")
    )
    assert (report["bars"], report["sweep"]) == (6, [-2, 0, 2])
    assert report["files"] == [f"edited_0{k}.mid" for k in (1, 2, 3)]
    run("reconstruct", song, "-q")
    kept, plain = (
        pretty_midi.PrettyMIDI(name).instruments[0].notes
        for name in ("edited_02.mid", "reconstruction.mid")
    )
    assert [(n.start, n.pitch) for n in kept] == [(n.start, n.pitch) for n in plain]
    lines = run("edit", song, "--add", "note_density=1", "--sweep=-2:2:3").stdout.splitlines()
    pictures = [line for line in lines if "│" in line]
    assert [line.split("│")[-1].strip() for line in pictures] == [
        "original", "note_density-2", "note_density+0", "note_density+2",
    ]  # fmt: skip
    run("edit", song, "--add", "note_density=1", "--sweep=1:2", code=2)


def test_several_songs_are_reconstructed_each_below_its_original(run, examples):
    songs = [examples / f"{name}.mid" for name in ("rock", "funk")]
    report = facts(run("reconstruct", *songs, "--json"))
    assert report["bars"] == 4
    assert len(report["windows"][0]["inputs"]) == 2
    pictures = [line for line in run("reconstruct", *songs).stdout.splitlines() if "│" in line]
    assert [line.split("│")[-1].strip() for line in pictures] == [
        "rock", "reconstruction", "funk", "reconstruction",
    ]  # fmt: skip


def test_own_attributes_can_be_used_by_edit(run, examples, tmp_path):
    having, lacking = tmp_path / "with", tmp_path / "without"
    for folder, names in ((having, ("rock", "funk")), (lacking, ("bossa", "house", "alley"))):
        folder.mkdir()
        for name in names:
            (folder / f"{name}.mid").write_bytes((examples / f"{name}.mid").read_bytes())
    (lacking / "broken.mid").write_bytes(b"MThd")
    result = run("attribute", "--with", having, "--without", lacking, "--name", "swing")
    assert "left out" in result.stdout
    assert "swing.safetensors" in result.stdout
    song = examples / "rock.mid"
    report = facts(
        run("edit", song, "--vectors", "swing.safetensors", "--add", "swing=2", "--json")
    )
    assert report["add"] == {"swing": 2}
    other = run(
        "edit", examples / "garden.mid", "--vectors", "swing.safetensors", "--add=swing=2", code=1
    )
    assert "is made for drums_2bar, not for melody_2bar" in other.stderr
    run("edit", song, "--vectors", song, "--add", "swing=2", code=1)
    run("attribute", "--with", having, "--without", lacking, "--name", "a/b", code=2)


def test_models_lists_the_box(run):
    text = run("models").stdout
    assert "drums_2bar" in text
    assert "note_density" in text
    assert "MB" in text
    models = facts(run("models", "--json"))["models"]
    assert [m["name"] for m in models] == ["drums_2bar", "melody_2bar"]
    assert models[0]["attributes"] == ["note_density"]


def test_analyze(run, examples):
    report = facts(run("analyze", examples, "--model", "drums_2bar", "--json"))
    assert report["examples"] > 1
    assert len(report["dimensions"]["mean"]) == 6
    assert report["files"] == []
    assert facts(run("analyze", examples, "--png", "--json"))["files"] == ["analysis.png"]
    assert "active" in run("analyze", examples).stdout


def test_evaluate(run, examples):
    report = facts(run("evaluate", "drums_2bar", examples, "--json"))
    wanted = "examples teacher_forced_accuracy sampled_accuracy greedy_accuracy event_accuracy"
    for name in (*wanted.split(), "hit_f1", "nll", "kl_nats"):
        assert report[name] >= 0
    assert report["model"] == "drums_2bar"
    assert "hit_f1" not in facts(run("evaluate", "melody_2bar", examples, "--json"))
    assert "event_accuracy" in run("evaluate", "drums_2bar", examples).stdout


def test_show(run, examples, tmp_path):
    text = run("show", examples / "voyage.mid").stdout
    assert "bars 1-16 of 16" in text
    assert "│" in text
    run("show", examples / "rock.mid", "-o", "rock.png")
    assert (tmp_path / "rock.png").read_bytes().startswith(b"\x89PNG")
    run("show", examples / "rock.mid", "--bar", 3, code=2)


def test_render(run, examples, tmp_path):
    song = tmp_path / "rock.mid"
    song.write_bytes((examples / "rock.mid").read_bytes())
    assert "rock.wav" in run("render", song).stdout
    assert (tmp_path / "rock.wav").read_bytes().startswith(b"RIFF")
    run("render", song, "-o", "rock.mp3", code=2)


def test_an_input_is_not_overwritten_by_default(run, examples):
    run("interpolate", examples / "rock.mid", examples / "funk.mid", "-q")
    before = Path("interpolation.mid").read_bytes()
    text = run("interpolate", "interpolation.mid", examples / "funk.mid", code=2).stderr
    assert text == "Error: interpolation.mid is an input; name another file with -o/--output\n"
    assert Path("interpolation.mid").read_bytes() == before


def test_a_model_folder_can_be_named(run, examples, tiny_drums):
    report = facts(run("similar", examples / "rock.mid", "--model", tiny_drums, "--json"))
    assert report["model"] == str(tiny_drums)
    text = run("similar", examples / "rock.mid", "--model", "nope", code=2).stderr
    assert text.startswith("Error: no model 'nope'")
