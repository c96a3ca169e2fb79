"""prepare and train: from MIDI files to a model folder that every verb can use."""

from __future__ import annotations

import json
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
    )
]


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def test_prepare_train_resume_use(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Melodies outnumber drums in the examples.
    report = run("prepare", examples, "-o", "shards", "--workers", 1, "--json").stdout
    assert json.loads(report)["representation"]["name"] == "melody"
    text = run("prepare", examples, "-o", "shards", code=2).stderr
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


def test_wrong_requests(examples, tmp_path):
    run("train", "--data", tmp_path / "nope", code=1)
    run("train", "--data", tmp_path, "--resume", code=2)
    run("prepare", tmp_path, "-o", tmp_path / "shards", code=1)
    assert list(tmp_path.iterdir()) == []
