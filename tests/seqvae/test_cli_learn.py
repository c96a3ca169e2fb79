"""prepare and train: from MIDI files to a model folder that every verb can use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seqvae.cli import command

pytest.importorskip("lightning")
pytest.importorskip("pyarrow")

SMALL = [
    f"--set={setting}"
    for setting in (
        "architecture.encoder_dim=8",
        "architecture.decoder_dim=8",
        "architecture.embedding_dim=8",
        "architecture.latent_dim=4",
        "training.batch_size=4",
        "training.validate_every=2",
        "prior.steps=20",
    )
]


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def melodies(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of examples in which melodies outnumber drums."""
    drums = shutil.ignore_patterns("rock*", "bossa*", "funk*", "house*")
    return shutil.copytree(examples, tmp_path_factory.mktemp("songs") / "songs", ignore=drums)


def test_prepare_train_resume_use(melodies, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = run("prepare", melodies, "-o", "shards", "--workers", 1, "--json").stdout
    assert json.loads(report)["representation"]["name"] == "melody"
    text = run("prepare", melodies, "-o", "shards", code=2).stderr
    assert text == "Error: shards is there already; use --overwrite to replace it\n"

    report = run(
        "train", "--data", "shards", *SMALL, "--set=training.max_steps=4", "--device=cpu", "--json"
    )
    report = json.loads(report.stdout)
    assert report["output"] == str(Path("runs/melody_2bar"))
    assert report["steps"] == 4
    assert run("train", "--data", "shards", code=2).stderr.startswith("Error: runs")

    arguments = ["train", "--data", "shards", "--resume", "-o", "runs/melody_2bar"]
    text = run(*arguments, "--set=training.max_steps=6").stdout
    assert "6 steps" in text
    assert "seqvae sample --model runs" in text
    run("sample", "-n", 2, "--model", "runs/melody_2bar", "-q")
    assert Path("samples.mid").exists()

    summary = json.loads(Path("shards/summary.json").read_text())["windows"]
    evaluate = ["evaluate", "runs/melody_2bar", "shards"]
    for split in ("train", "validation"):
        figures = json.loads(run(*evaluate, "--json", "--split", split).stdout)
        assert figures["examples"] == summary[split]
    assert "shards: has no test windows" in run(*evaluate, code=1).stderr  # by default
    assert "a split needs a MODEL" in run("evaluate", "shards", code=2).stderr
    assert "the model needs" in run("evaluate", "drums_2bar", "shards", code=1).stderr


def test_wrong_requests(examples, tmp_path):
    run("train", "--data", tmp_path / "nope", code=1)
    run("train", "--data", tmp_path, "--resume", code=2)
    run("prepare", tmp_path, "-o", tmp_path / "shards", code=1)
    assert list(tmp_path.iterdir()) == []


def test_unknown_and_impossible_settings_are_named(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("prepare", examples, "-o", "shards", "--workers", 1, "-q")

    def fail(*arguments: str) -> str:
        (line,) = run("train", "--data", "shards", *arguments, code=2).stderr.splitlines()
        assert not (tmp_path / "runs").exists()
        return line

    line = fail("--set=training.max_stepz=4")
    assert "training: unknown key 'max_stepz'; known: batch_size, accumulate," in line
    line = fail("--set=training.optimizer.learning_rat=1")
    assert "training.optimizer: unknown key 'learning_rat'; known: name, learning_rate," in line
    assert "architecture: unknown key 'layers'; known: " in fail("--set=architecture.layers=4")
    assert "data: unknown key 'streams'; known: stream" in fail("--set=data.streams=always")
    assert "data.stream must be one of auto, always, never" in fail("--set=data.stream=maybe")
    assert "unknown key 'trainings'; known: " in fail("--set=trainings.max_steps=4")
    assert "this machine has no device 'mps'" in fail("--device=mps")
    assert "training: precision" in fail("--set=training.precision=16")
    assert "a setting is section.key=value" in fail("--set=max_steps=4")
    Path("own.yaml").write_text(
        "mine:\n  representation: {name: melody, bars: 2}\n  training: {optimizer: {rate: 1}}\n"
        "  architecture: {tokens: melody, latent_dim: 4}\n"
    )
    line = fail("--config=own.yaml")
    assert "preset mine: training.optimizer: unknown key 'rate'; known: name," in line


def test_resuming_with_another_architecture_is_one_line(melodies, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("prepare", melodies, "-o", "shards", "--workers", 1, "-q")
    small = [*SMALL, "--set=training.max_steps=2", "--device=cpu", "-q"]
    run("train", "--data", "shards", *small, "-o", "model")
    resume = ["train", "--data", "shards", "--resume", "-o", "model"]
    error = run(*resume, "--set=architecture.latent_dim=5", code=1).stderr
    assert error.startswith("Error: model/last.ckpt: tensor ")
    assert len(error.splitlines()) == 1
