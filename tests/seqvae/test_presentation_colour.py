"""Pictures in the terminal, in colour and without."""

import re
from pathlib import Path

import pretty_midi
import pytest
from click.testing import CliRunner

from seqvae.cli import command
from seqvae.cli.strip import strip
from seqvae.music.presentation import grid_of_item, text_roll
from seqvae.music.presentation.text import tinted

DATA = Path(__file__).resolve().parents[2] / "data"
CODE = re.compile(r"\x1b\[[0-9;]*m")


def grid(name):
    return grid_of_item(pretty_midi.PrettyMIDI(str(DATA / f"{name}.mid")))


@pytest.mark.parametrize(("name", "each"), [("cafe", 2), ("parade", 1), ("garden", 1)])
def test_colour_changes_nothing_but_the_colour(name, each):
    plain = text_roll(grid(name), 80, ["a title"], each)
    coloured = text_roll(grid(name), 80, ["a title"], each, colour=True)
    assert coloured != plain
    assert CODE.sub("", coloured) == plain
    assert max(len(CODE.sub("", line)) for line in coloured.splitlines()) <= 80
    shown = [grid(name), grid(name)]
    plain = strip(shown, ["long " * 30, ""], 80)
    coloured = strip(shown, ["long " * 30, ""], 80, colour=True)
    assert coloured != plain
    assert CODE.sub("", coloured) == plain


def test_each_drum_has_its_colour_and_soft_hits_are_dim():
    lines = text_roll(grid("funk"), 80, colour=True).splitlines()
    rows = {CODE.sub("", line)[:3].strip(): line for line in lines}
    inks = {
        name: set(re.findall(r"\x1b\[(?:2;)?38;5;(\d+)m[▌▖]", line)) for name, line in rows.items()
    }
    assert all(len(ink) == 1 for ink in inks.values())
    assert len({*inks["BD"], *inks["SD"], *inks["CH"]}) == 3
    assert re.findall(r"\x1b\[2;38;5;\d+m▖", rows["SD"])  # ghost notes
    assert not re.findall(r"\x1b\[2;38;5;\d+m▌", rows["SD"])


@pytest.mark.parametrize(
    ("kind", "begin"), [("svg", b"<?xml"), ("pdf", b"%PDF-"), ("png", b"\x89PNG")]
)
def test_pictures_for_print(tmp_path, monkeypatch, kind, begin):
    written = []
    for stamp in ("0", "1000000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", stamp)
        run = CliRunner().invoke(
            command(), ["show", str(DATA / "rock.mid"), "-o", f"{tmp_path}/a.{kind}"]
        )
        assert run.exit_code == 0, run.output
        written.append((tmp_path / f"a.{kind}").read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(begin)
    if kind == "svg":
        assert written[0].count(b"#d1495b") == 7  # every kick of the beat


def test_other_pictures_are_refused(tmp_path):
    run = CliRunner().invoke(command(), ["show", str(DATA / "rock.mid"), "-o", f"{tmp_path}/a.jpg"])
    assert run.exit_code == 2
    assert "must end in .png or .svg or .pdf" in run.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ink", "number"), [("#000000", 16), ("#ffffff", 231), ("#ff0000", 196), (244, 244)]
)
def test_colours_are_of_the_palette_of_256(ink, number):
    assert tinted("x", ink) == f"\x1b[38;5;{number}mx\x1b[0m"
    assert tinted("x", None) == "x"


def test_the_command_is_coloured_in_a_terminal_only(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ["show", str(DATA / "rock.mid")]
    assert not CODE.search(CliRunner().invoke(command(), arguments).output)
    assert CODE.search(CliRunner().invoke(command(), arguments, color=True).output)


def test_no_color_is_heeded(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    run = CliRunner().invoke(command(), ["show", str(DATA / "rock.mid")], color=True)
    assert "▌" in run.output
    assert not CODE.search(run.output)
