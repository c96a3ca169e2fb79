"""Training on a text file: from sentences to a complete folder, and on after an interruption."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import seqvae
from seqvae.cli import command
from seqvae.text.codec import TextCodec
from seqvae.text.data import split
from seqvae.text.evaluate import accuracies
from seqvae.text.loader import SentenceLoader
from seqvae.text.network import counting
from seqvae.text.presets import PRESETS, load_preset
from seqvae.text.properties import properties, words
from seqvae.text.train import train
from vaecore.errors import DataError, UsageError
from vaecore.presets import preset_names

WHO = ["a man", "a woman", "two dogs", "three girls", "some boys"]
DOES = ["plays a guitar", "runs", "is singing", "jumps over the water", "rides a red bike"]
WHERE = ["on the beach.", "in the street.", "at home.", "near a lake.", "in the park.", "."]
SENTENCES = [f"{who} {does} {where}" for who in WHO for does in DOES for where in WHERE]
SETTINGS = [
    "training.max_steps=60",
    "training.validate_every=30",
    "training.batch_size=32",
    "training.optimizer.learning_rate=0.01",
    "training.optimizer.warmup_steps=5",
    "training.ema_decay=null",
    "architecture.classes=120",
    "architecture.latent_dim=8",
    "architecture.embedding_dim=16",
    "architecture.encoder_dim=16",
    "architecture.decoder_dim=32",
    "objective.beta=0.01",
]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "some.txt"
    path.write_text("\n".join([*SENTENCES, SENTENCES[0], "word " * 80]), encoding="utf-8")
    return path


def test_the_split_depends_on_the_sentence_alone() -> None:
    parts = split([*SENTENCES, *SENTENCES[:20]])
    assert sorted([*parts.train, *parts.validation]) == sorted(SENTENCES)
    again = split(SENTENCES[::-1])
    assert set(again.validation) == set(parts.validation)
    assert 0 < len(parts.validation) < 20
    with pytest.raises(DataError, match="2 different sentences are too few"):
        split(["a", "b", "a"])


def test_batches_have_sentences_of_one_length_and_every_sentence_once() -> None:
    length = np.random.default_rng(0).integers(1, 20, 1000)
    windows = (np.arange(20) < length[:, None]).astype(np.uint16)
    windows[:, 0] = np.arange(1, 1001)
    loader = SentenceLoader(windows, 32, seed=3)
    batches = list(loader)
    assert len(batches) == len(loader) == 31
    seen = torch.cat(batches)[:, 0]
    assert len(seen.unique()) == len(seen)
    spread = [float((batch != 0).sum(1).float().std()) for batch in batches]
    assert np.mean(spread) < 0.3 * length.std()
    means = [float((batch != 0).sum(1).float().mean()) for batch in batches]
    assert abs(np.corrcoef(means, np.arange(31))[0, 1]) < 0.6  # in no order of length
    assert not torch.equal(next(iter(loader)), batches[0])  # the next epoch
    other = SentenceLoader(windows, 32, seed=3)
    assert torch.equal(next(iter(other)), batches[0])


@pytest.mark.slow
def test_from_a_text_file_to_a_model(text: Path, tmp_path: Path) -> None:
    place = tmp_path / "model"
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    arguments = ["train", "--representation", "text", str(text), "-o", str(place), "--json"]
    result = CliRunner().invoke(command(), [*arguments, *settings])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["preset"], report["steps"]) == ("sentences", 60)
    first = json.loads((place / "config.json").read_text())
    assert first["training"]["left_out"] == 1
    assert first["training"]["sentences"]["train"] > 120
    space = seqvae.load(place)
    assert set(space.attributes) >= {"length", "people", "several"}
    assert space.prior.kind == "mixture"
    x = space.codec.encode_all(SENTENCES)
    trained = accuracies(space.model, x)["nll"]
    assert trained < 0.75 * counting(x).sum() / len(x) * math.log(space.codec.classes)
    assert trained == pytest.approx(report["best"]["validation/nll"], rel=0.3)
    assert len(space.sample(3)) == 3
    evaluate = ["evaluate", str(place), str(text), "--json", "--split"]
    held_out = json.loads(CliRunner().invoke(command(), [*evaluate, "validation"]).stdout)
    assert held_out["examples"] == first["training"]["sentences"]["validation"]
    assert "have no test split" in CliRunner().invoke(command(), [*evaluate, "test"]).stderr


@pytest.mark.slow
def test_an_interrupted_training_goes_on_with_its_vocabulary(text, tmp_path, interrupt) -> None:
    preset = load_preset("sentences", [*SETTINGS, "training.max_steps=30"])
    whole = train(preset, [text], tmp_path / "whole", progress=False)
    first = train(preset, [text], tmp_path / "parts", progress=False, callbacks=[interrupt(20)])
    assert first.stopped == "interrupted"
    assert 20 <= first.steps < 30
    name = preset.name
    again = load_preset(name, path=tmp_path / "parts" / "recipe.yaml")
    second = train(again, [text], tmp_path / "parts", resume=True, progress=False)
    assert second.best == whole.best
    whole_weights, weights = (
        (tmp_path / part / "weights.safetensors").read_bytes() for part in ("whole", "parts")
    )
    assert weights == whole_weights


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        ([], "train needs --data SHARDS, or text files", 2),
        (["some.txt", "--data", "shards"], "not both", 2),
        (["--representation", "text", "--data", "shards"], "needs text files", 2),
        (["some.txt", "--preset", "drums_2bar"], "no preset 'drums_2bar'; known are sentences", 2),
        (["none.txt"], "none.txt: does not exist", 1),
        (["few.txt"], "2 different sentences are too few", 1),
        (["some.txt", "--set", "representation.vocabulary=a a"], "has a piece twice", 2),
        (["some.txt", "--set", "architecture.encoder_layers=2"], "unknown key", 2),
    ],
)
def test_what_cannot_be_trained(arguments, reason, code, text, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.txt").write_text("one\ntwo\n")
    result = CliRunner().invoke(command(), ["train", *arguments, "-o", "model"])
    assert result.exit_code == code, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert reason in line
    assert not Path("model").exists()


def test_a_preset_for_text_has_no_place_for_music() -> None:
    with pytest.raises(UsageError, match="unknown setting of the text representation: bars"):
        load_preset("sentences", ["representation.bars=2"])


def test_properties_count_words() -> None:
    more = ["a woman is singing; she wears red. run"]
    codec = TextCodec.learn([*SENTENCES, *more * 3], 32, 200)
    x = codec.encode_all(["Two dogs run on the beach.", "A woman is singing; she wears red."])
    found = {name: p.of(x.numpy()).tolist() for name, p in properties(codec.decode).items()}
    assert words("A well-dressed man's hat, 2.") == ["a", "well-dressed", "man's", "hat", "2"]
    assert found["length"] == [6, 7]
    assert found["animals"] == [1, 0]
    assert found["outdoors"] == [1, 0]
    assert found["female"] == [0, 2]
    assert found["colours"] == [0, 1]
    assert found["doing"] == [0, 1]
    assert found["several"] == [2, 0]


@pytest.mark.parametrize("name", preset_names(PRESETS))
def test_every_preset_for_text_is_usable(name: str) -> None:
    preset = load_preset(name)
    model, codec = preset.make_model(), preset.make_codec()
    assert model.architecture.steps == codec.steps  # its vocabulary is learned from the sentences
    assert preset.description
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert 2 * weights <= 12e6  # bytes, as float16 in the box
