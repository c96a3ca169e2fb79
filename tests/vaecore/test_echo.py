"""What is printed never commands a terminal, whatever files and their contents are called."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from lines import make_command, make_domain, save_model

from vaecore.cli.echo import coloured, echo, style
from vaecore.errors import DataError, UsageError, printable

ROOT = Path(__file__).resolve().parents[2]


def test_names_are_printed_as_they_can_be() -> None:
    assert printable("Grün 日本 😀 e\u0301") == "Grün 日本 😀 e\u0301"
    assert printable("a\x1b]0;x\x07b\n\x9bc\u202etxt") == r"a\x1b]0;x\x07b\x0a\x9bc\u202etxt"
    assert printable(Path(os.fsdecode(b"caf\xe9.mid"))) == r"caf\xe9.mid"


def test_errors_have_no_escapes() -> None:
    error = DataError("has\nno \x1b[2J notes", path="a\nb\x1b[31m.mid")
    assert str(error) == r"a\x0ab\x1b[31m.mid: has no \x1b[2J notes"
    assert "\x1b" not in str(UsageError("no model '\x1b[31m'"))


def test_colours_are_all_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    echo("\x1b]0;title\x07a\rb\x1b[2Jc\td\ne")
    assert capsys.readouterr().out == "\\x1b]0;title\\x07a\\x0db\\x1b[2Jc\td\ne\n"


def test_colours_of_others_are_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = "a\x1b[8mb\x1b[0m"
    with click.Context(click.Command("x"), color=True):
        echo(f"{hidden} {style(hidden, bold=True)} {coloured(chr(27) + '[38;5;9mc')}")
    escaped = r"a\x1b[8mb\x1b[0m"
    assert capsys.readouterr().out == f"{escaped} \x1b[1m{escaped}\x1b[0m \x1b[38;5;9mc\n"


def test_commands_print_through_it_alone() -> None:
    for package in ("vaecore/cli", "seqvae/cli", "facevae/cli"):
        for path in (ROOT / package).rglob("*.py"):
            found = re.findall(r"click\.s?echo\(|(?<!\w)print\(", path.read_text())
            assert not found or path.name == "echo.py", path


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Unix alone")
@pytest.mark.parametrize("verb", ["interpolate", "reconstruct", "attribute", "analyze"])
def test_a_name_that_is_no_text_is_one_like_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    group = make_command(make_domain(tmp_path / "box"))
    save_model(make_domain(tmp_path / "box"), tmp_path / "box/plain")
    name = os.fsdecode(b"a\xff\x1b[31m.txt")
    for each in (name, "b.txt"):
        Path(each).write_text("0 1 2 3 4 5 6 7\n1 1 2 2 3 3 4 4\n")
    arguments = {
        "interpolate": [name, "b.txt", "-o", os.fsdecode(b"out\xfe.txt")],
        "reconstruct": [name, "-o", os.fsdecode(b"out\xfe.txt")],
        "attribute": ["--with", name, "--without", "b.txt", "--name", "x"],
        "analyze": [name, "b.txt", "--png"],
    }[verb]
    result = CliRunner().invoke(group, [verb, *arguments, "--model", "plain"])
    assert "unexpected" not in result.output, result.output
    assert "\x1b[31m" not in result.output
    assert result.exit_code in (0, 1)


def test_an_output_is_never_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    group = make_command(make_domain(tmp_path / "box"))
    save_model(make_domain(tmp_path / "box"), tmp_path / "box/plain")
    Path("a.txt").write_text("0 1 2 3 4 5 6 7\n")
    Path("link.txt").symlink_to("a.txt")
    for verb in ("reconstruct", "similar"):
        for output in ("a.txt", "./a.txt", "link.txt"):
            result = CliRunner().invoke(group, [verb, "a.txt", "-o", output])
            assert (result.exit_code, "is an input" in result.output) == (2, True), result.output
