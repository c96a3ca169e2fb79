"""The verb `train` as domains share it: options, recipes, folders, and what is printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lines import PRESETS, lines, make_command, make_domain, save_model

from vaecore.cli import learn
from vaecore.errors import DataError
from vaecore.files import locked
from vaecore.presets import RECIPE

pytest.importorskip("lightning")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command in a folder with data.txt and a box with recipes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "box").mkdir()
    (tmp_path / "box/presets.yaml").write_text(PRESETS)
    rows = lines(60).tolist()
    (tmp_path / "data.txt").write_text("\n".join(" ".join(map(str, row)) for row in rows))
    domain = make_domain(tmp_path / "box")
    save_model(domain, tmp_path / "box/plain")
    group = make_command(domain)

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(group, [str(each) for each in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_train_resume_and_use(run) -> None:
    text = run("train", "data.txt").stdout
    assert "small  eight numbers\n  60 lines\n" in text
    assert "runs/small\n  6 steps in 0.0 minutes (steps) · best at" in text
    assert "nats\n  use it: lines sample --model runs/small\n" in text
    error = run("train", "data.txt", code=2).stderr
    assert error == (
        "Error: runs/small is there already; go on with --resume, or choose another -o\n"
    )
    text = run("train", "data.txt", "--resume", "-o", "runs/small", "--set=training.max_steps=8")
    assert "  8 steps in" in text.stdout
    assert (
        json.loads(run("sample", "--model", "runs/small", "-n", 3, "--json").stdout)["lines"] == 3
    )
    assert "look at it" in run("sample", "--model", "runs/small").stdout


def test_a_training_that_died_is_no_dead_end(run) -> None:
    """Before its first checkpoint it can be begun anew; behind it, it goes on."""
    Path("runs/small").mkdir(parents=True)
    Path("runs/small", RECIPE).write_text("small: {}")
    Path("runs/small/config.json").write_text("{}")
    run("train", "data.txt", "-q")
    Path("runs/small/README.md").unlink()
    assert "is there already" in run("train", "data.txt", code=2).stderr
    Path("runs/small/last.ckpt").unlink()
    error = run("train", "data.txt", "--resume", "-o", "runs/small", code=1).stderr
    assert "runs/small: has no checkpoint to resume from; leave out" in error
    run("train", "data.txt", "-q")


def test_a_model_of_somebody_else_is_not_written_over(run) -> None:
    error = run("train", "data.txt", "-o", "box/plain", code=2).stderr
    assert "box/plain is there already" in error


def test_two_trainings_on_one_folder(run) -> None:
    Path("runs/small").mkdir(parents=True)
    with locked(Path("runs/small"), ""):
        error = run("train", "data.txt", code=2).stderr
    assert error.startswith("Error: another training is at work in runs/small; wait for it")


def test_the_report_is_one_object(run) -> None:
    result = run("train", "data.txt", "--preset=flowing", "-o", "made", "--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    about = {"verb": "train", "output": "made", "preset": "flowing", "steps": 4}
    assert {name: report[name] for name in about} == about
    assert report["attributes"] == ["height"]
    assert report["checkpoint"] == "made/last.ckpt"
    assert report["best"].keys() >= {"validation/loss", "validation/kl", "validation/error"}


def test_quiet_prints_nothing(run) -> None:
    result = run("train", "data.txt", "-q")
    assert (result.stdout, result.stderr) == ("", "")
    assert Path("runs/small/README.md").exists()


def test_options_are_settings_of_the_recipe(run) -> None:
    run("train", "data.txt", "--seed=3", "--minutes=5", "--device=cpu", "-q", "--from=plain",
        "--set=training.max_steps=2", "--set=training.validate_every=1")  # fmt: skip
    training = json.loads(Path("runs/small/config.json").read_text())["training"]
    expected = {"seed": 3, "max_minutes": 5, "accelerator": "cpu", "max_steps": 2}
    assert {name: training["recipe"][name] for name in expected} == expected
    assert training["start"] == "plain"


def test_a_file_of_recipes_of_ones_own(run) -> None:
    Path("own.yaml").write_text(PRESETS.replace("small:", "mine:"))
    run("train", "data.txt", "--config=own.yaml", "-q", "-o", "model")
    assert Path("model", RECIPE).read_text().startswith("mine:\n")


def test_wrong_requests(run) -> None:
    error = "Error: --resume takes the recipe of the folder that -o names, and no other\n"
    for arguments in ([], ["-o", "x", "--preset=small"], ["-o", "x", "--config=own.yaml"]):
        assert run("train", "data.txt", "--resume", *arguments, code=2).stderr == error
    error = run("train", "data.txt", "-o", os.fsdecode(b"\xff"), code=1).stderr
    assert r"\xff: the name of a training's folder must be UTF-8" in error
    assert "x: has no checkpoint to resume from" in run(
        "train", "data.txt", "--resume", "-o", "x", code=1
    ).stderr  # fmt: skip
    assert "no preset 'big'; known are small" in run(
        "train", "data.txt", "--preset=big", code=2
    ).stderr  # fmt: skip
    assert "unknown key 'max_step'" in run(
        "train", "data.txt", "--set=training.max_step=1", code=2
    ).stderr  # fmt: skip
    assert "0 is not" in run("train", "data.txt", "--minutes=0", code=2).stderr
    assert "nan' is not a number" in run("train", "data.txt", "--minutes=nan", code=2).stderr
    assert not Path("runs").exists()
    assert not Path("x").exists()


def test_a_missing_package_is_named() -> None:
    learn.need("torch")
    with pytest.raises(DataError, match=r"this needs no_such_package; pip install 'seqvae\[train"):
        learn.need("torch", "no_such_package")
