"""The shared command line with a domain of its own: points in the plane, in text files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

from vaecore import cli
from vaecore.codec import Codec
from vaecore.config import ModelConfig
from vaecore.domain import Domain
from vaecore.errors import DataError, UsageError
from vaecore.model import VAE
from vaecore.space import LatentSpace


class PointCodec(Codec[list]):
    suffixes = (".txt",)
    config: Mapping[str, Any] = {}

    def encode(self, item: Any) -> Tensor:
        try:
            return torch.tensor([float(word) for word in Path(item).read_text().split()])
        except ValueError as error:
            raise DataError("holds no numbers", path=item) from error

    def decode(self, x: Tensor, context: Any = None) -> list:
        return x.tolist()


class Wide(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean = super().forward(x)
        return mean, torch.ones_like(mean)


class Back(nn.Linear):
    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        return self(z)


class PointPresentation(cli.Presentation):
    evaluates = True

    reads = suffixes = (".txt",)
    defaults: Mapping[str, Mapping[str, Any]] = {
        "sample": {"n": 3},
        "morph": {"steps": "4, or more"},
    }
    outputs: Mapping[str, str] = dict.fromkeys(
        ("morph", "palette", "sample", "reconstruct", "edit", "similar"), "points.txt"
    )

    def options(self, verb: str) -> Sequence[click.Option]:
        return [click.Option(["--shout"], is_flag=True)] * (verb == "morph")

    def endings(self, verb: str) -> tuple[str, ...]:
        return (*self.suffixes, "") if verb == "sample" else self.suffixes

    def steps(self, inputs: int, output: Path) -> int:
        return 4 * (inputs - 1)

    def choose_model(self, inputs: Sequence[cli.Input], options: Any) -> cli.Choice:
        return cli.Choice("points", "the only one")

    def sources(
        self, codec: Codec, inputs: Sequence[cli.Input], options: Mapping[str, Any]
    ) -> list[list[cli.Source]]:
        return [[cli.Source(codec.read(each.path).first, each) for each in inputs]]

    def evaluate(self, space: LatentSpace, paths: Sequence[Any], seed: int) -> dict[str, Any]:
        return {"files": len(paths), "name": space.name}

    def write(self, result: cli.Result, outputs: Any, options: Mapping[str, Any]) -> cli.Written:
        text = "\n".join(" ".join(f"{x:.3f}" for x in item) for item in result.items)
        text = text.replace(".", "!") if options.get("shout") else text
        if not outputs.main.suffix:
            for place in outputs.folder(outputs.main, ["1.txt", "2.txt"]):
                place.write_text(text)
            return cli.Written("a folder")
        outputs.add(outputs.main).write_text(text)
        return cli.Written(f"{len(result.items)} points", {"points": len(result.items)})

    def picture(self, result: cli.Result, width: int) -> str:
        return f"[{len(result.items)} points, {result.columns} columns]"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command of the points in an empty folder with inputs a, b, c, d."""
    monkeypatch.chdir(tmp_path)

    def make_model(architecture: Mapping[str, Any], objective: Any) -> VAE:
        model = VAE(Wide(2, 2), Back(2, 2), 2, objective)
        for part in (model.encoder, model.decoder):
            nn.init.eye_(part.weight)
            nn.init.zeros_(part.bias)
        return model

    domain = Domain("points", lambda config: PointCodec(), make_model, tmp_path / "box")
    config = ModelConfig("points", "points", {}, {}, {}, "Points in the plane")
    model = make_model({}, None)
    from vaecore.objective import Objective

    model.objective = Objective()
    (tmp_path / "box").mkdir()
    domain.save(tmp_path / "box/points", model, config, {"up": torch.tensor([0.0, 1.0])})
    for name, text in {"a": "0 1", "b": "1 0", "c": "0 -1", "d": "-1 0"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    group = cli.build(PointPresentation(domain), help="Points.", names={"interpolate": "morph"})

    def run(arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(group, arguments.split())
        assert result.exit_code == code, result.output
        return result

    return run


def test_interpolate(run, tmp_path):
    assert "[3 points, None columns]" in run("interpolate a.txt b.txt --steps 3 --path lerp").stdout
    assert (tmp_path / "points.txt").read_text() == "0.000 1.000\n0.500 0.500\n1.000 0.000"
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == [
        *(f"{name}.txt" for name in "abcd"),
        "points.txt",
    ]


def test_a_domain_adds_options_and_other_names(run, tmp_path):
    report = json.loads(run("morph a.txt b.txt --steps 2 --shout --json").stdout)
    assert report["points"] == 2
    assert report["windows"][0]["latent_distances"] == [pytest.approx(2**0.5, abs=1e-3)]
    assert (tmp_path / "points.txt").read_text() == "0!000 1!000\n1!000 0!000"
    run("palette a.txt b.txt c.txt d.txt --shout", code=2)


def test_a_domain_has_defaults_of_its_own(run, tmp_path):
    assert json.loads(run("sample --json").stdout)["points"] == 3
    assert json.loads(run("morph a.txt b.txt c.txt --json").stdout)["steps"] == 8
    assert "[default: 4, or more]" in " ".join(run("morph --help").stdout.split())


def test_a_shared_verb_may_have_another_name(run):
    named, shared = (json.loads(run(f"{verb} a.txt b.txt --json").stdout) for verb in (
        "morph", "interpolate"
    ))  # fmt: skip
    assert named["verb"] == shared["verb"] == "morph"
    assert "morph needs two inputs" in run("interpolate a.txt", code=2).stderr
    listed = run("--help").stdout
    assert "morph" in listed
    assert "interpolate" not in listed


def test_a_folder_of_results(run, tmp_path):
    report = json.loads(run("sample -o made/here --json").stdout)
    assert report["files"] == ["made/here/1.txt", "made/here/2.txt"]
    assert len(list((tmp_path / "made/here").iterdir())) == 2
    text = run("sample -o made/here", code=2).stderr
    assert text == "Error: made/here is there already; name another folder with -o/--output\n"
    text = run("edit a.txt --add up=1 -o here", code=2).stderr
    assert text == "Error: here: the output must end in .txt\n"
    text = run("sample -o here.md", code=2).stderr
    assert text.endswith("must end in .txt, or have no ending, for a folder\n")


def test_a_sweep_goes_through_a_range(run, tmp_path):
    report = json.loads(run("edit c.txt --add up=2 --sweep -1:0.5:4 --json").stdout)
    assert report["sweep"] == [-1, -0.5, 0, 0.5]
    assert (tmp_path / "points.txt").read_text().split("\n") == [
        f"0.000 {height:.3f}" for height in (-3, -2, -1, 0)
    ]
    assert "up+2, -1 to 0.5 times" in run("edit c.txt --add up=2 --sweep -1:0.5:4").stdout


def test_several_inputs_are_reconstructed_in_order(run, tmp_path):
    run("reconstruct a.txt c.txt")
    assert (tmp_path / "points.txt").read_text() == "0.000 1.000\n0.000 -1.000"


def test_evaluate_takes_a_model_or_chooses_one(run, tmp_path):
    expected = {"files": 4, "name": "points", "model": "points"}
    for arguments in ("points a.txt b.txt c.txt d.txt", "a.txt b.txt c.txt d.txt"):
        report = json.loads(run(f"evaluate {arguments} --json").stdout)
        assert {name: report[name] for name in expected} == expected
    assert json.loads(run("evaluate box/points a.txt --json").stdout)["model"] == "box/points"
    assert json.loads(run("evaluate --model points a.txt --json").stdout)["files"] == 1
    assert run("evaluate nope a.txt", code=2).stderr.startswith("Error: no model 'nope'")
    assert "does not exist" in run("evaluate nope", code=1).stderr


def test_palette(run, tmp_path):
    text = run("palette a.txt b.txt c.txt d.txt --rows 2 --columns 3").stdout
    assert "[6 points, 3 columns]" in text
    lines = (tmp_path / "points.txt").read_text().splitlines()
    assert (lines[0], lines[2], lines[3]) == ("0.000 1.000", "1.000 0.000", "0.000 -1.000")


def test_edit_sample_similar_reconstruct(run, tmp_path):
    run("edit a.txt --add up=2 --add up=-1")
    assert (tmp_path / "points.txt").read_text() == "0.000 2.000"
    run("reconstruct b.txt")
    assert (tmp_path / "points.txt").read_text() == "1.000 0.000"
    run("similar b.txt --amount 0 -n 2")
    assert (tmp_path / "points.txt").read_text() == "1.000 0.000\n1.000 0.000"
    assert json.loads(run("sample -n 3 --json").stdout)["points"] == 3


def test_attribute_and_analyze(run):
    text = run("attribute --with a.txt --without c.txt --name high").stdout
    assert "length 2.00 · separates 100% of these examples" in text
    assert json.loads(run("analyze a.txt b.txt c.txt d.txt --json").stdout)["examples"] == 4


def test_there_is_no_evaluate_without_a_function(tmp_path):
    domain = Domain("points", lambda config: PointCodec(), lambda *_: None, tmp_path)
    presentation = PointPresentation(domain)
    presentation.evaluates = False
    assert "evaluate" not in cli.build(presentation, help="Points.").commands


def test_unusable_files_are_named(run, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/x.txt").write_text("one two")
    assert run("reconstruct folder/x.txt", code=1).stderr == (
        "Error: folder/x.txt: holds no numbers\n"
    )
    text = run("analyze folder", code=1).stderr
    assert text == (
        "Error: folder: no example for points in 1 file; "
        "for example folder/x.txt: holds no numbers\n"
    )
    (tmp_path / "folder/y.txt").write_text("1 2")
    assert "left out: folder/x.txt: holds no numbers" in run("analyze folder").stdout


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError("is bad", path="x", remedy="mend it"), 1, "Error: x: is bad; mend it"),
        (UsageError("not so"), 2, "Error: not so"),
        (OSError(28, "No space left on device", "x"), 1, "Error: x: no space left on device"),
        (MemoryError(), 1, "Error: not enough memory; try fewer or smaller inputs"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (
            ZeroDivisionError("one\ntwo"),
            1,
            "Error: unexpected ZeroDivisionError: one; "
            "please report it (POINTS_DEBUG=1 shows where)",
        ),
    ],
)
def test_errors_are_one_line(error: BaseException, code: int, line: str, monkeypatch):
    group = cli.Group("points")

    @group.command()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(group, ["fail"])
    assert (result.exit_code, result.stderr.strip()) == (code, line)
    assert result.stdout == ""
    if isinstance(error, ZeroDivisionError):
        monkeypatch.setenv("POINTS_DEBUG", "1")
        assert isinstance(CliRunner().invoke(group, ["fail"]).exception, ZeroDivisionError)
