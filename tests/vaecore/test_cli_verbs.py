"""What the shared verbs refuse, vectors in files, the list of models, and two domains at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner, Result
from lines import LinePresentation, lines, make_domain, save_model

from vaecore import cli
from vaecore.cli.outputs import Outputs
from vaecore.errors import DataError, UsageError
from vaecore.folder import read_tensors, write_tensors


class Marked(LinePresentation):
    """Of a second domain, whose inputs are numbers as they are typed, and which evaluates."""

    evaluates = draws = True

    def takes(self, inputs: Sequence[Path]) -> bool:
        return any(self.typed(each) for each in inputs)

    def typed(self, input_: Path) -> bool:
        return " " in str(input_)

    def sources(self, codec: Any, inputs: Any, options: Any) -> list[list[cli.Source]]:
        return [
            [
                cli.Source(codec.read(i.path).first, i, facts={"mark": options["mark"]})
                for i in inputs
            ]
        ]

    def choose_model(self, inputs: Sequence[cli.Input], options: Any) -> cli.Choice:
        return cli.Choice("marked", "for what is typed")

    def options(self, verb: str) -> Sequence[click.Option]:
        return [click.Option(["--mark"], default="x")]

    def evaluate(
        self, space: Any, paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        return {"split": split, "seed": seed, "paths": [str(path) for path in paths]}


class Plain(LinePresentation):
    """Of the first domain, with an option of its own, too."""

    def options(self, verb: str) -> Sequence[click.Option]:
        return [click.Option(["--fold"], is_flag=True)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command of two domains of one package, beside the files a.txt to d.txt."""
    monkeypatch.chdir(tmp_path)
    domain = make_domain(tmp_path / "box")
    one, two = (replace(domain, representations=frozenset({name})) for name in ("line", "mark"))
    two = replace(two, subject="marks", threads=None)
    save_model(one, tmp_path / "box/plain")
    save_model(two, tmp_path / "box/marked", "mark")
    for name, row in zip("abcd", lines(4).tolist(), strict=True):
        (tmp_path / f"{name}.txt").write_text(" ".join(map(str, row)))
    group = cli.build(Plain(one), Marked(two), help="Lines.")

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(group, [str(each) for each in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


LINE = "1 2 3 4 5 6 7 8"


def test_the_domain_is_that_of_the_inputs_or_of_the_model(run) -> None:
    def model(*arguments: str) -> str:
        return json.loads(run(*arguments, "--json").stdout)["model"]

    assert model("reconstruct", "a.txt") == "plain"
    assert model("reconstruct", LINE) == "marked"
    assert model("reconstruct", "a.txt", "--model", "marked", "--mark", "y") == "marked"
    assert model("sample") == "plain"
    assert model("sample", "--model", "box/marked") == "box/marked"
    assert model("evaluate", "marked", "a.txt") == "marked"
    report = json.loads(run("reconstruct", LINE, "--mark", "y", "--json").stdout)
    assert report["windows"][0]["inputs"] == [{"mark": "y"}]  # what was typed has no file


def test_options_of_another_domain_are_refused(run) -> None:
    error = run("reconstruct", "a.txt", "--mark", "y", code=2).stderr
    assert error == "Error: --mark is for marks, not for lines\n"
    error = run("reconstruct", LINE, "--fold", code=2).stderr
    assert error == "Error: --fold is for lines, not for marks\n"
    assert "--mark" in run("reconstruct", "--help").stdout
    error = run("reconstruct", "a.txt", "--model", "none", code=2).stderr
    assert error.startswith("Error: no model 'none'")


def test_a_verb_needs_a_group() -> None:
    from vaecore.cli.blend import interpolate

    group = cli.Group("bare")
    group.add_command(interpolate)
    result = CliRunner().invoke(group, ["interpolate", "a", "b"])
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: interpolate has no domain; it is a verb of a command group\n",
    )


def test_models_are_listed(run, tmp_path: Path) -> None:
    found = json.loads(run("models", "--json").stdout)["models"]
    assert [model["name"] for model in found] == ["marked", "plain"]
    assert found[1]["attributes"] == ["all", "up"]
    assert found[1]["description"] == "lines"
    size = sum(path.stat().st_size for path in (tmp_path / "box/plain").iterdir())
    assert found[1]["megabytes"] == round(size / 1e6, 2)
    first, second, third, *_ = run("models").stdout.splitlines()
    assert first.split() == ["marked", "lines", "0.0", "MB"]
    assert second.split() == ["all,", "up"]
    assert third.startswith("plain ")


def test_a_long_description_is_wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    domain = make_domain(tmp_path / "box")
    group = cli.build(LinePresentation(domain), help="Lines.")
    empty = CliRunner().invoke(group, ["models"])
    assert empty.stdout == "There is no model in the box yet.\n"
    assert json.loads(CliRunner().invoke(group, ["models", "--json"]).stdout)["models"] == []
    place = save_model(domain, tmp_path / "box/plain")
    values = json.loads((place / "config.json").read_text())
    values["description"] = "numbers in a line " * 10
    (place / "config.json").write_text(json.dumps(values))
    text = CliRunner().invoke(group, ["models"]).stdout.splitlines()
    assert len(text) > 3
    assert max(map(len, text)) <= 60


def test_an_attribute_of_ones_own(run, tmp_path: Path) -> None:
    run("attribute", "--with", "a.txt", "--with", "b.txt", "--without", "c.txt", "--name", "high",
        "-o", "made.safetensors")  # fmt: skip
    vector = read_tensors(tmp_path / "made.safetensors")["high"]
    report = run("edit", "a.txt", "--vectors", "made.safetensors", "--add", "high=2", "--json")
    assert json.loads(report.stdout)["model"] == "plain"
    space = make_domain(tmp_path / "box").load("plain")
    made = space.codec.encode((tmp_path / "lines.out.txt").read_text())
    expected = space.decode_to_examples(space.encode([Path("a.txt")]) + 2 * vector)[0]
    torch.testing.assert_close(made, expected)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none", "none: does not exist; make one with the command `attribute`"),
        ("box", "box: is a folder; make one"),
        ("a.txt", "a.txt: is no readable safetensors file"),
        ("of_other.safetensors", "is made for other, not for plain; make one"),
        ("short.safetensors", r"vector 'high' has shape (3,), not (4,); make one"),
    ],
)
def test_vectors_that_cannot_be_used(run, tmp_path: Path, file: str, message: str) -> None:
    from vaecore.folder import write_exactly

    path = tmp_path / "of_other.safetensors"
    write_exactly(path, {"high": torch.ones(4)}, {"model": "other"})
    write_tensors(tmp_path / "short.safetensors", {"high": torch.ones(3)})
    error = run("edit", "a.txt", "--vectors", file, "--add", "high=1", code=1).stderr
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("interpolate", "a.txt"), "interpolate needs two inputs or more"),
        (("interpolate", *["a.txt", "b.txt"] * 2, "--steps", "3"), "3 steps cannot pass 4 inputs"),
        (("palette", "a.txt"), "palette needs two, three or four inputs, not 1"),
        (("palette", "a.txt", "b.txt", "--rows", "2"), "two inputs make one row"),
        (("edit", "a.txt", "--add", "up"), "--add up: expected NAME=AMOUNT"),
        (("edit", "a.txt", "--add", "up=101"), "an amount from -100 to 100"),
        (("edit", "a.txt", "--add", "up=nan"), "an amount from -100 to 100"),
        (("edit", "a.txt", "--add", "down=1"), "unknown attribute 'down'; known are: all, up"),
        (("edit", "a.txt", "--add", "up=1", "--sweep", "1:2"), "expected FROM:TO:STEPS"),
        (("edit", "a.txt", "--add", "up=1", "--sweep", "0:1:1"), "expected FROM:TO:STEPS"),
        (("attribute", "--with", "a.txt", "--without", "b.txt", "--name", "a=b"), "not contain"),
        (
            ("attribute", "--with", "a.txt", "--without", "b.txt", "--name", "a", "-o", "a.txt"),
            "a.txt is an input",
        ),
        (("sample", "--temperature", "inf"), "is not in the range"),
        (("sample", "-n", "0"), "0 is not in the range"),
        (("sample", "--model", "none"), "no model 'none': neither a folder nor one of marked, pl"),
        (("evaluate", "a.txt", "--split", "test"), "a split needs a MODEL: evaluate MODEL FOLDER"),
        (("reconstruct", "a.txt", "--device", "gpu"), "unknown device 'gpu'; choose one of"),
        (("reconstruct", "a.txt", "-o", "a.mid"), "a.mid: the output must end in .txt"),
        (("wander",), "No such command 'wander'"),
    ],
)
def test_wrong_requests_are_one_line(run, arguments: Sequence[str], message: str) -> None:
    error = run(*arguments, code=2).stderr
    assert error.startswith("Error: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_inputs_that_are_no_files(run, tmp_path: Path) -> None:
    assert run("reconstruct", "none.txt", code=1).stderr == (
        "Error: none.txt: does not exist; check the name\n"
    )
    assert "box: is a folder; name a file in it" in run("reconstruct", "box", code=1).stderr
    (tmp_path / "empty").mkdir()
    assert "empty: holds no .txt files" in run("analyze", "empty", code=1).stderr
    (tmp_path / "lines.out.txt").write_text(LINE)
    assert "lines.out.txt is an input; name another" in run(
        "reconstruct", "lines.out.txt", code=2
    ).stderr  # fmt: skip


def test_analysis_draws_where_it_is_wanted(run) -> None:
    files = ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert json.loads(run("analyze", *files, "--json").stdout)["files"] == []
    assert json.loads(run("analyze", *files, "--png", "--json").stdout)["files"] == ["analysis.png"]
    assert json.loads(run("analyze", LINE, LINE, "--json").stdout)["files"] == ["analysis.png"]


def test_evaluation_of_a_split(run) -> None:
    figures = json.loads(run("evaluate", "marked", "box", "--split", "train", "--json").stdout)
    assert (figures["split"], figures["paths"]) == ("train", ["box"])
    figures = json.loads(run("evaluate", "marked", "a.txt", "--seed", "2", "--json").stdout)
    assert (figures["split"], figures["seed"], figures["paths"]) == (None, 2, ["a.txt"])


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no main file"):
        Outputs(None).beside(".png")
    main = tmp_path / "a.txt"
    with Outputs(main) as outputs:
        outputs.add(main).write_text("1")
        outputs.beside(".md").write_text("2")
        assert list(tmp_path.glob("a.*")) == []
    assert outputs.written == [main, main.with_suffix(".md")]
    assert main.with_suffix(".md").read_text() == "2"

    def fail(problem: str) -> None:
        with Outputs(main) as outputs:
            outputs.add(main).write_text("3")
            raise DataError(problem, path=outputs.add(tmp_path / "b.txt"), remedy="mend it")

    with pytest.raises(DataError, match=r"/b\.txt: is bad; mend it$") as caught:
        fail("is bad")
    assert caught.value.path == tmp_path / "b.txt"
    assert main.read_text() == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "a.txt"]


def test_no_arguments_show_the_help(run) -> None:
    result = run(code=2)
    assert "Usage: " in result.output
    assert result.output.index("interpolate") < result.output.index("sample")


def test_the_group_of_a_program(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    group = cli.Group("program")

    @group.command()
    @click.option("--code", type=int)
    def leave(code: int | None) -> None:
        click.echo("leaving")
        if code is not None:
            sys.exit(code)

    @group.command()
    def abort() -> None:
        raise click.Abort

    @group.command()
    def wrong() -> None:
        raise UsageError("not\nso")

    def answer(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            group.main(arguments, "it")
        return caught.value.code, capfd.readouterr().err

    assert group.main(["leave"], standalone_mode=False) is None
    assert answer("leave") == (0, "")
    assert answer("leave", "--code", "3") == (3, "")
    assert answer("leave", "--code", "x") == (
        2,
        "Error: Invalid value for '--code': 'x' is not a valid integer (see it leave --help)\n",
    )
    assert answer("abort") == (130, "Interrupted.\n")
    assert answer("wrong") == (2, "Error: not so\n")
    monkeypatch.setenv("PROGRAM_DEBUG", "1")
    assert answer("leave") == (0, "")
    with pytest.raises(UsageError):
        group.main(["wrong"])
    monkeypatch.delenv("PROGRAM_DEBUG")
    # Of several processes only the first reports at once.
    monkeypatch.setattr("vaecore.cli.main.SECONDS_TO_REPORT", 0.0)
    ranks: Mapping[str, str] = {
        "TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"
    }  # fmt: skip
    for name, value in ranks.items():
        monkeypatch.setenv(name, value)
    assert answer("wrong") == (2, "Error: not so\n")


PROGRAM = """
import sys, click
from vaecore.cli import Group
group = Group("program")

@group.command()
def many():
    for number in range(100_000):
        click.echo(number)

@group.command()
def leave():
    click.echo("leaving")
    sys.exit(4)

group.run()
"""


def test_a_program_ends_with_its_code_and_its_reader() -> None:
    def start(verb: str) -> subprocess.Popen[str]:
        program = [sys.executable, "-c", PROGRAM, verb]
        return subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )

    left = start("leave")
    assert left.communicate(timeout=60) == ("leaving\n", "")
    assert left.returncode == 4
    many = start("many")
    assert many.stdout.readline() == "0\n"
    many.stdout.close()
    assert many.stderr.read() == ""
    assert many.wait(60) == 1
