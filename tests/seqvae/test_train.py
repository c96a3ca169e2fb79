"""From shards to a model folder: complete, loadable, and able to go on."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import torch

import seqvae
from seqvae.music.data.prepare import prepare
from seqvae.music.data.shards import read_windows
from seqvae.music.domain import DOMAIN
from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.presets import Preset, load_preset
from seqvae.music.representations import make_codec
from seqvae.music.representations.perception.notes import NotePerception
from vaecore.config import ModelConfig
from vaecore.errors import DataError, UsageError
from vaecore.presets import RECIPE
from vaecore.training import pipeline
from vaecore.training.status import StatusLine

pytest.importorskip("lightning")
pytest.importorskip("pyarrow")

from seqvae.music import train as training

PRESET = Preset(
    name="tiny",
    representation={"name": "melody", "bars": 2},
    architecture={
        "tokens": "melody",
        "latent_dim": 6,
        "embedding_dim": 8,
        "encoder_dim": 8,
        "decoder_dim": 8,
        "summary_dim": 3,
        "dropout": 0.1,
        "input_dropout": 0.2,
    },
    objective={"beta": 0.5},
    augmentation={"transpose": {"semitones": 2}},
    training={
        "batch_size": 8,
        "max_steps": 20,
        "validate_every": 10,
        "optimizer": {"learning_rate": 0.01},
        "ema_decay": 0.9,
        "accelerator": "cpu",
        "seed": 1,
    },
    description="a tiny one",
)


def write_tune(path: Path, seed: int) -> None:
    """Write six bars of eighth notes and rests."""
    random = np.random.default_rng(seed)
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    midi.instruments.append(pretty_midi.Instrument(0))
    midi.instruments[0].notes = [
        pretty_midi.Note(80, int(random.integers(50, 80)), i / 4, i / 4 + 0.25)
        for i in range(48)
        if random.random() < 0.7 or i == 0
    ]
    midi.write(str(path))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("music")
    for number in range(16):
        write_tune(root / f"{number}.mid", number)
    prepare([root], root / "shards", "melody", shares=(0.6, 0.3, 0.1), workers=1)
    return root / "shards"


@pytest.fixture(scope="module")
def trained(shards: Path, tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("runs") / "tune"
    return place, training.train(PRESET, shards, place, progress=False)


def test_training_leaves_a_complete_model(trained, shards: Path) -> None:
    place, result = trained
    assert (result.steps, result.stopped) == (20, "steps")
    assert result.best_step in (10, 20)
    assert {"validation/loss", "validation/greedy_accuracy"} <= set(result.best)
    space = seqvae.load(place)
    assert space.name == "tune"
    assert space.codec.config == PRESET.make_codec().config
    assert space.latent_dim == 6
    assert {"note_density", "average_pitch"} <= set(space.attributes)
    assert set(space.config.attributes) == set(space.attributes)
    assert all(about["unit"] for about in space.config.attributes.values())
    assert all(vector.any() for vector in space.attributes.values())
    assert space.prior.means.shape[1] == 6
    assert len(space.sample(3)) == 3


def test_the_folder_tells_how_it_was_made(trained, shards: Path) -> None:
    place, result = trained
    config = json.loads((place / "config.json").read_text())
    told = config["training"]
    assert told["preset"] == "tiny"
    assert told["recipe"] == PRESET.training
    assert told["augmentation"] == PRESET.augmentation
    assert told["steps"] == 20
    assert told["best"]["step"] == result.best_step
    assert told["windows"]["train"] == len(read_windows(shards, "train"))
    assert config["objective"]["beta"] == {"kind": "constant", "beta": 0.5}
    assert {"torch", "python", "seqvae"} <= set(config["versions"])
    decided = replace(PRESET, data={"stream": "never"})
    assert load_preset("tiny", path=place / RECIPE) == decided
    card = (place / "README.md").read_text()
    assert not any(str(shards.parent) in text for text in (json.dumps(config), card))


def test_the_card_says_what_the_model_is_made_of(trained, shards: Path) -> None:
    place, result = trained
    card = (place / "README.md").read_text()
    assert card.startswith("# tune\n\na tiny one\n")
    count = sum(value.numel() for value in seqvae.load(place).model.state_dict().values())
    assert f"{count:,} weights" in card
    assert f"train {len(read_windows(shards, 'train'))}, validation" in card
    assert f"Sources: {shards.parent.name}." in card
    accuracy = round(result.best["validation/greedy_accuracy"], 4)
    assert f"| greedy accuracy | {accuracy:g} |" in card
    assert f"of {len(read_windows(shards, 'validation'))} examples, at step" in card
    assert "- training.batch_size: 8\n" in card
    assert "- `note_density`: " in card
    assert "    seqvae train --data shards --config recipe.yaml -o ../again\n" in card
    assert "validation/examples" not in result.best  # a count is no metric


def test_the_last_phase_says_what_it_does(trained, shards: Path, tmp_path: Path, capsys) -> None:
    place = shutil.copytree(trained[0], tmp_path / "tune")
    preset = replace(PRESET, prior={"steps": 3, "width": 8, "blocks": 1})
    pipeline.complete(training.MusicTask(preset, shards), place, status=StatusLine())
    lines = capsys.readouterr().err.splitlines()
    assert [line.strip().split(",")[0] for line in lines] == [
        "encoding training examples",
        "fitting the prior",
        "fitting attribute vectors",
    ]


def test_a_device_that_is_not_there_leaves_no_folder(shards: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    preset = replace(PRESET, training={**PRESET.training, "accelerator": "cuda"})
    with pytest.raises(UsageError, match="has no device 'cuda'; use --device cpu"):
        training.train(preset, shards, tmp_path / "no", progress=False)
    assert not (tmp_path / "no").exists()


def test_the_saved_weights_are_the_best_ones(trained, shards: Path) -> None:
    place, result = trained
    from seqvae.music.evaluate import measure

    x = torch.from_numpy(read_windows(shards, "validation").astype(np.int64))
    figures = measure(seqvae.load(place).model, x)
    for name in ("greedy_accuracy", "teacher_forced_accuracy"):
        assert figures[name] == pytest.approx(result.best[f"validation/{name}"], abs=0.02)
    assert figures["kl_nats"] == pytest.approx(result.best["validation/kl"], rel=0.02)


def test_training_is_repeatable(trained, shards: Path, tmp_path: Path) -> None:
    place, _ = trained
    training.train(PRESET, shards, tmp_path / "again", progress=False)
    for name in ("weights", "attributes", "prior"):
        first, second = (p / f"{name}.safetensors" for p in (place, tmp_path / "again"))
        assert first.read_bytes() == second.read_bytes(), name


@pytest.mark.parametrize("step", [4, 14])
def test_an_interrupted_training_goes_on_to_the_same_end(
    trained, shards: Path, tmp_path: Path, interrupt, step: int
) -> None:
    place = tmp_path / "tune"
    stopped = training.train(PRESET, shards, place, progress=False, callbacks=[interrupt(step)])
    assert stopped.stopped == "interrupted"
    assert stopped.steps < 20
    if step > 10:  # after the first validation there is a model
        assert seqvae.load(place).latent_dim == 6
    ended = training.train(PRESET, shards, place, resume=True, progress=False)
    assert ended.steps == 20
    for name in ("weights", "attributes", "prior"):
        first, second = (p / f"{name}.safetensors" for p in (place, trained[0]))
        assert first.read_bytes() == second.read_bytes(), name


def test_training_on_from_another_model(trained, shards: Path, tmp_path: Path) -> None:
    slow = {**PRESET.training, "max_steps": 1, "optimizer": {"learning_rate": 1e-9}}
    preset = replace(PRESET, training=slow)
    training.train(preset, shards, tmp_path / "on", start=trained[0], progress=False)
    first, second = seqvae.load(trained[0]).model, seqvae.load(tmp_path / "on").model
    for before, after in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-6, rtol=1e-3)
    assert seqvae.load(tmp_path / "on").config.training["start"] == "tune"
    other = replace(PRESET, architecture={**PRESET.architecture, "latent_dim": 7})
    with pytest.raises(DataError, match="has shape"):
        training.train(other, shards, tmp_path / "no", start=trained[0], progress=False)
    assert not (tmp_path / "no").exists()


def test_a_decoder_alone_learns_to_read_the_codes_of_another(
    trained, shards: Path, tmp_path: Path
) -> None:
    output = trained[0]
    preset = replace(PRESET, encoder=str(output))
    training.train(preset, shards, tmp_path / "reader", progress=False)
    other, reader = seqvae.load(output), seqvae.load(tmp_path / "reader")
    for name, weights in other.model.encoder.state_dict().items():
        assert torch.equal(reader.model.encoder.state_dict()[name], weights), name
    before, after = (each.model.decoder.head.bias for each in (other, reader))
    assert not torch.equal(before, after)
    assert reader.config.training["encoder_of"] == output.name
    both = replace(preset, training={**PRESET.training, "frozen": "decoder"})
    with pytest.raises(UsageError, match="freezes both networks"):
        training.train(both, shards, tmp_path / "no", start=output, progress=False)
    wide = {**PRESET.architecture, "encoder_dim": 9}
    with pytest.raises(DataError, match=r"the encoder of .* does not fit .*lstm"):
        training.train(replace(preset, architecture=wide), shards, tmp_path / "no", progress=False)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    "representation", [{"name": "drums", "bars": 2}, {"name": "melody", "bars": 4}]
)
def test_shards_of_another_representation_are_refused(
    shards: Path, tmp_path: Path, representation: dict
) -> None:
    preset = replace(PRESET, representation=representation)
    with pytest.raises(DataError, match=r"holds .*'melody'.*, the preset needs") as caught:
        training.train(preset, shards, tmp_path / "no", progress=False)
    assert caught.value.path == shards
    assert not (tmp_path / "no").exists()


def test_what_holds_no_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder of shards"):
        training.train(PRESET, tmp_path, tmp_path / "no", progress=False)


def test_resuming_nothing_is_refused(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no checkpoint"):
        training.train(PRESET, shards, tmp_path / "no", resume=True, progress=False)


def test_a_collection_too_small_to_validate_is_refused(tmp_path: Path) -> None:
    write_tune(tmp_path / "one.mid", 1)
    prepare([tmp_path / "one.mid"], tmp_path / "shards", "melody", shares=(1, 0, 0), workers=1)
    with pytest.raises(DataError, match="has no validation windows; prepare more files"):
        training.train(PRESET, tmp_path / "shards", tmp_path / "no", progress=False)


def one_bar(place: Path) -> Path:
    """Write an untrained model of one bar."""
    codec = make_codec({"name": "melody", "bars": 1})
    sizes = {"latent_dim": 4, "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 8}
    architecture = SequenceArchitecture(16, codec.classes, "melody", **sizes)
    about = {"representation": codec.config, "architecture": asdict(architecture)}
    config = ModelConfig(domain="seqvae", name=place.name, objective={}, **about)
    DOMAIN.save(place, SequenceVAE(architecture), config)
    return place


def test_a_prior_of_parts_and_forms(trained, shards: Path, tmp_path: Path) -> None:
    place = shutil.copytree(trained[0], tmp_path / "tune")
    prior = {
        "steps": 20,
        "width": 8,
        "blocks": 1,
        "groups": 2,
        "parts": [str(one_bar(tmp_path / "bar"))],
    }
    preset = replace(PRESET, prior=prior).check()
    pipeline.complete(training.MusicTask(preset, shards), place)
    space = seqvae.load(place)
    assert (space.prior.kind, space.prior.groups) == ("flow", 2)
    # A bar is like itself: equal, and similar.
    assert (space.prior.conditions.diagonal(dim1=1, dim2=2) == 3).all()
    assert space.config.training["prior"] == prior
    assert len(space.sample(3, prior="flow")) == 3
    for wrong in ({"groups": 3}, {"groups": 2, "parts": ["drums_2bar", "drums_2bar"]}):
        task = training.MusicTask(replace(PRESET, prior={**prior, **wrong}), shards)
        with pytest.raises(DataError, match="no prior of parts"):
            pipeline.complete(task, place)


@pytest.mark.parametrize("flow", [{}, {"steps": 2, "width": 8, "blocks": 1}])
def test_a_prior_of_good_windows(trained, shards: Path, tmp_path: Path, flow, monkeypatch) -> None:
    """It is fitted to the codes of windows without faults, the attribute vectors to all."""
    fitted = []

    def fit(posterior, settings, *rest):
        fitted.append((posterior.mean, settings))
        return pipeline_fit(posterior, settings, *rest)

    def faults(self, x):  # the tunes are random: without this, nearly all have some
        return (x.sum(1) % 2).float()

    monkeypatch.setattr(NotePerception, "faults", faults)
    pipeline_fit = pipeline.fit_prior
    monkeypatch.setattr(pipeline, "fit_prior", fit)
    place = shutil.copytree(trained[0], tmp_path / "tune")
    about = {"good_windows_only": True, "temperature": 0.9}
    preset = replace(PRESET, prior={**about, **flow}).check()
    pipeline.complete(training.MusicTask(preset, shards), place)
    space = seqvae.load(place)
    assert space.prior.kind == ("flow" if flow else "mixture")
    assert space.config.training["prior"] == preset.prior
    assert space.config.prior_temperature == 0.9
    x = torch.from_numpy(space.codec.unpack(read_windows(shards, "train")))
    good = space.codec.perception.faults(x) == 0
    assert 0 < good.sum() < len(x)
    ((codes, settings),) = fitted
    torch.testing.assert_close(codes, space.posterior_of(x).mean[good])
    assert settings == flow
    assert "- prior.good_windows_only: true" in (place / "README.md").read_text()
    monkeypatch.setattr(NotePerception, "faults", lambda self, x: torch.ones(len(x)))
    pipeline.complete(training.MusicTask(preset, shards), place)
    assert len(fitted[1][0]) == len(x)  # none is good: all are used


def test_unknown_settings_of_a_prior_are_named() -> None:
    with pytest.raises(UsageError, match=r"prior: unknown key 'part'; known: .*parts"):
        replace(PRESET, prior={"part": []}).check()
