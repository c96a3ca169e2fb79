"""Several processes train as one does, and end together when they are told to."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
import yaml

import seqvae

pytest.importorskip("lightning")
pytest.importorskip("pyarrow")
from ranked import error, interrupt, same_training, scalars, train, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no gloo there"),
]

STEPS = 40
RECIPE = {
    "tiny": {
        "representation": {"name": "melody", "bars": 2},
        # Dropout is the one thing that depends on how a batch is divided.
        "architecture": {
            "tokens": "melody",
            "latent_dim": 6,
            "embedding_dim": 8,
            "encoder_dim": 8,
            "decoder_dim": 8,
            "summary_dim": 3,
        },
        "augmentation": {"transpose": {"semitones": 3}},
        "training": {
            "batch_size": 16,
            "max_steps": STEPS,
            "validate_every": 8,
            "log_every": 1,
            "precision": "32",
            "accelerator": "cpu",
            "threads": 1,
            "ema_decay": 0.9,
            "optimizer": {"learning_rate": 0.01, "schedule": "cosine"},
        },
    }
}
OPTIONS = ("--data", "shards", "--config", "recipe.yaml", "--quiet")
STREAM = "data.stream=always"


def alone(root: Path, name: str, *settings: str, resume: bool = False) -> Path:
    """Train in this process, which has imported everything already."""
    from seqvae.music import train as training
    from seqvae.music.presets import load_preset

    preset = load_preset("tiny", settings, (root / name if resume else root) / "recipe.yaml")
    with mock.patch("seqvae.sequences.attributes.TRIAL", 16):  # as in the processes of `warm`
        training.train(preset, root / "shards", root / name, resume=resume, progress=False)
    return root / name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards of random melodies and a recipe."""
    from seqvae.music.data.shards import ShardWriter, window_table
    from seqvae.music.representations import make_codec

    root = tmp_path_factory.mktemp("ranks")
    (root / "shards").mkdir()
    random, counts = np.random.default_rng(0), {"train": 203, "validation": 40, "test": 5}
    for split, n in counts.items():
        window = random.integers(0, 90, (n, 32)).astype(np.uint16)
        windows = window_table(window, ["a.mid"] * n, [1] * n, [120.0] * n, [0] * n)
        with ShardWriter(root / "shards", split, 32) as writer:
            writer.add(windows)
    codec = make_codec(RECIPE["tiny"]["representation"])
    about = {"representation": codec.config, "windows": counts, "sources": {"a": {}}}
    (root / "shards" / "summary.json").write_text(json.dumps(about))
    (root / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    return root


@pytest.fixture(scope="module")
def one(place: Path) -> Path:
    """A training by one process."""
    return alone(place, "one")


@pytest.fixture(scope="module")
def two(place: Path, warm: Path) -> Path:
    """The same by two processes."""
    arguments = ("--data", "shards", "--config", "recipe.yaml", "--json", "-o", "two")
    report = json.loads(train(place, warm, "seqvae", *arguments, ranks=2))
    assert (report["steps"], report["stopped"]) == (STEPS, "steps")
    return place / "two"


def test_two_processes_train_as_one(one: Path, two: Path) -> None:
    same_training(one, two)
    assert len(scalars(one, "train/loss")) == STEPS
    assert len(list((two / "logs").glob("events.*"))) == 1  # one rank writes
    assert seqvae.load(two).attributes


def test_two_processes_that_stream_and_accumulate_train_as_one(place: Path, warm: Path) -> None:
    settings = (STREAM, "training.max_steps=16")
    whole = alone(place, "stream", *settings)
    parts = (*settings, "training.batch_size=8", "training.accumulate=2")
    changes = [f"--set={setting}" for setting in parts]
    train(place, warm, "seqvae", *OPTIONS, *changes, "-o", "streams", ranks=2)
    # Validation has other batches then, and other noise.
    same_training(whole, place / "streams", ("train/loss", "train/kl", "train/gradient_norm"))


@pytest.mark.parametrize(
    ("number", "ranks", "code"), [(signal.SIGINT, 1, 0), (signal.SIGTERM, 2, 1)]
)
def test_a_signal_saves_and_the_training_goes_on(
    place: Path,
    warm: Path,
    request: pytest.FixtureRequest,
    number: signal.Signals,
    ranks: int,
    code: int,
) -> None:
    whole = request.getfixturevalue("one" if ranks == 1 else "two")
    name = f"stopped-{ranks}"
    # Under torchrun it is torchrun that reports the signal.
    assert interrupt(place, warm, number, "seqvae", *OPTIONS, "-o", name, ranks=ranks) == code
    steps = torch.load(place / name / "last.ckpt", weights_only=True)["global_step"]
    assert 0 < steps < STEPS
    if ranks == 1:
        alone(place, name, resume=True)
    else:
        train(place, warm, "seqvae", "--data", "shards", "--resume", "-o", name, "-q", ranks=ranks)
    found = weights(place / name)
    for key, value in weights(whole).items():
        assert torch.equal(found[key], value), key


def test_one_process_says_what_is_wrong(place: Path, warm: Path) -> None:
    options = ("--data", "shards", "--resume", "--quiet")
    lines = error(place, warm, "seqvae", *options, ranks=2).splitlines()
    assert sum(line.startswith("Error: --resume takes the recipe") for line in lines) == 1
