"""Several processes train as one does, and end together when they are told to."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import seqvae

pytest.importorskip("lightning")
pytest.importorskip("pyarrow")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ranked import interrupt, scalars, train, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no gloo there"),
]

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
            "max_steps": 30,
            "validate_every": 10,
            "log_every": 1,
            "precision": "32",
            "accelerator": "cpu",
            "ema_decay": 0.9,
            "optimizer": {"learning_rate": 0.01, "schedule": "cosine"},
        },
    }
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards of random melodies, a recipe, and a training by one process."""
    from seqvae.codecs import make_codec
    from seqvae.data.shards import Windows, write_split

    root = tmp_path_factory.mktemp("ranks")
    (root / "shards").mkdir()
    random, counts = np.random.default_rng(0), {"train": 203, "validation": 40, "test": 5}
    for split, n in counts.items():
        window = random.integers(0, 90, (n, 32)).astype(np.uint16)
        zeros = np.zeros(n, int)
        windows = Windows(window, zeros, zeros + 1, zeros + 120.0, zeros, ["a.mid"])
        write_split(windows, root / "shards", split)
    codec = make_codec(RECIPE["tiny"]["representation"])
    about = {"representation": codec.config, "windows": counts, "sources": ["a"]}
    (root / "shards" / "summary.json").write_text(json.dumps(about))
    (root / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    train(root, "seqvae", *OPTIONS, "-o", "alone")
    return root


OPTIONS = ("--data", "shards", "--config", "recipe.yaml", "--quiet")


TRAINED = ("train/loss", "train/kl", "train/gradient_norm")


def same_training(one: Path, other: Path, tags=(*TRAINED, "validation/loss")) -> None:
    for tag in tags:
        assert scalars(other, tag) == pytest.approx(scalars(one, tag), rel=1e-4), tag
    found = weights(other)
    for name, value in weights(one).items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)


def test_two_processes_train_as_one(place: Path) -> None:
    arguments = ("--data", "shards", "--config", "recipe.yaml", "--json", "-o", "two")
    report = json.loads(train(place, "seqvae", *arguments, ranks=2))
    assert (report["steps"], report["stopped"]) == (30, "steps")
    assert len(scalars(place / "alone", "train/loss")) == 30
    same_training(place / "alone", place / "two")
    assert len(list((place / "two" / "logs").glob("events.*"))) == 1  # one rank writes
    assert seqvae.load(place / "two").attributes


def test_two_processes_that_accumulate_train_as_one(place: Path) -> None:
    changes = ("--set=training.batch_size=8", "--set=training.accumulate=2")
    train(place, "seqvae", *OPTIONS, *changes, "-o", "parts", ranks=2)
    same_training(place / "alone", place / "parts", TRAINED)  # smaller batches to validate


def test_two_processes_stream_as_one(place: Path) -> None:
    stream = "--set=data.stream=always"
    train(place, "seqvae", *OPTIONS, stream, "-o", "stream")
    train(place, "seqvae", *OPTIONS, stream, "-o", "streams", ranks=2)
    same_training(place / "stream", place / "streams")


@pytest.mark.parametrize(
    ("number", "ranks"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGTERM, 2)]
)
def test_a_signal_saves_and_the_training_goes_on(
    place: Path, number: signal.Signals, ranks: int
) -> None:
    name = f"stopped-{number}-{ranks}"
    longer = ("--set=training.max_steps=60", "--set=training.validate_every=4")
    whole = f"whole-{ranks}"
    if not (place / whole).exists():
        train(place, "seqvae", *OPTIONS, *longer, "-o", whole, ranks=ranks)
    code = interrupt(place, number, "seqvae", *OPTIONS, *longer, "-o", name, ranks=ranks)
    assert code == (0 if ranks == 1 else 1)  # torchrun itself reports the signal
    steps = torch.load(place / name / "last.ckpt", weights_only=True)["global_step"]
    assert 0 < steps < 60
    train(place, "seqvae", "--data", "shards", "--resume", "-o", name, "-q", ranks=ranks)
    found = weights(place / name)
    for key, value in weights(place / whole).items():
        assert torch.equal(found[key], value), key
