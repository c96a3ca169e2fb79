"""Bad inputs and bad requests: one line, the right exit code, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from handmade import write_notes

from seqvae.cli import command

SCALE = [(k, k + 1, 60 + k) for k in range(8)]


def not_midi(path: Path) -> None:
    path.write_text("hello")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_notes(path: Path) -> None:
    write_notes(path, [])


def only_three_four(path: Path) -> None:
    write_notes(path, [(k, k + 1, 60) for k in range(24)], meter=(3, 4))


def ten_hours(path: Path) -> None:
    write_notes(path, [(0, 1, 60), (10 * 3600 * 2, 10 * 3600 * 2 + 1, 60)])


def truncated(path: Path) -> None:
    write_notes(path, SCALE)
    path.write_bytes(path.read_bytes()[:30])


def folder(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    pass


BAD = {
    not_midi: "is not a MIDI file",
    empty: "is empty",
    no_notes: "has no notes",
    only_three_four: "is in 3/4",
    ten_hours: "is too long",
    truncated: "is cut off",
    folder: "is a folder",
    missing: "does not exist",
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
@pytest.mark.parametrize("verb", ["interpolate", "reconstruct", "show", "render"])
def test_bad_input(make, verb, boxed, tmp_path, monkeypatch):
    if make is only_three_four and verb in ("show", "render"):
        pytest.skip("3/4 can be shown and played")
    monkeypatch.chdir(tmp_path)
    make(Path("bad.mid"))
    write_notes(Path("good.mid"), SCALE)
    inputs = ["bad.mid", "good.mid"] if verb == "interpolate" else ["bad.mid"]
    before = sorted(os.listdir())
    result = CliRunner().invoke(command(), [verb, *inputs])
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: bad.mid: ")
    assert BAD[make] in line
    assert sorted(os.listdir()) == before


def test_no_drums_in_a_drum_request(boxed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_notes(Path("a.mid"), SCALE)
    result = CliRunner().invoke(command(), ["reconstruct", "a.mid", "--model", "drums_2bar"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: a.mid: has no drum notes; choose a melody model")
    assert os.listdir() == ["a.mid"]


def test_drums_and_melody_do_not_mix(boxed, tmp_path):
    drums = write_notes(tmp_path / "drums.mid", [(k, k + 1, 36) for k in range(8)], drums=True)
    melody = write_notes(tmp_path / "melody.mid", SCALE)
    result = CliRunner().invoke(command(), ["interpolate", str(drums), str(melody)])
    assert result.exit_code == 1
    assert "has only drums, but" in result.stderr


@pytest.mark.parametrize("extra", [[], ["--separate"], ["--png"]])
@pytest.mark.parametrize("output", ["nowhere/x.mid", "locked/x.mid", "taken.mid"])
def test_unwritable_output(output, extra, boxed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_notes(Path("a.mid"), SCALE)
    Path("locked").mkdir(mode=0o500)
    for name in ("taken.mid", "taken_02.mid"):
        Path(name).mkdir()
    if output.startswith("locked") and os.access("locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    before = sorted(os.listdir())
    arguments = ["similar", "a.mid", "-n", "2", "-o", output, *extra]
    result = CliRunner().invoke(command(), arguments)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {output[:5]}")
    assert sorted(os.listdir()) == before


def test_a_failure_beside_leaves_the_main_file_alone(boxed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_notes(Path("a.mid"), SCALE)
    Path("similar.png").mkdir()
    result = CliRunner().invoke(command(), ["similar", "a.mid", "--png"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: similar.png: is a directory")
    assert sorted(os.listdir()) == ["a.mid", "similar.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "nope",
        "interpolate",
        "interpolate a.mid",
        "interpolate a.mid a.mid --steps 1",
        "interpolate a.mid a.mid a.mid --steps 2",
        "interpolate a.mid a.mid --steps nine",
        "interpolate a.mid a.mid --path zigzag",
        "interpolate a.mid a.mid --temperature nan",
        "interpolate a.mid a.mid --temperature -1",
        "interpolate a.mid a.mid --seed -1",
        "interpolate a.mid a.mid --seed 1.5",
        f"interpolate a.mid a.mid --seed {2**63}",
        f"interpolate a.mid a.mid --seed {'9' * 5000}",
        "interpolate a.mid a.mid --nope",
        "interpolate a.mid a.mid -o x.wav",
        "interpolate a.mid a.mid --device nope",
        "palette a.mid a.mid a.mid a.mid a.mid",
        "palette a.mid a.mid -o x.html --wav",
        "similar a.mid --amount 2",
        "sample --prior mixture",
    ],
)
def test_wrong_usage(arguments, boxed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_notes(Path("a.mid"), SCALE)
    result = CliRunner().invoke(command(), arguments.split())
    assert result.exit_code == 2, result.output
    if arguments:
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
    assert os.listdir() == ["a.mid"]
