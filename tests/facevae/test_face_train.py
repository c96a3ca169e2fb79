"""From a folder of images to a model folder: complete, loadable, and able to go on."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from drawn import NAMES, labels
from drawn_files import save_drawn
from PIL import Image

import facevae
from facevae.data.labels import read_labels
from facevae.data.parts import Data
from facevae.presets import Preset, load_preset
from facevae.realism import fit_realism
from vaecore.errors import DataError, UsageError
from vaecore.presets import RECIPE

pytest.importorskip("lightning")

from facevae import train as training

COUNT = 60
PRESET = Preset(
    name="tiny",
    representation={"name": "faces", "size": 32},
    architecture={"kind": "residual", "latent_dim": 6, "width": 4, "sigma": 0.2},
    objective={"beta": 1.0},
    training={
        "batch_size": 8,
        "max_steps": 20,
        "validate_every": 10,
        "optimizer": {"learning_rate": 0.002},
        "ema_decay": 0.9,
        "accelerator": "cpu",
        "seed": 1,
    },
    description="a tiny one",
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn faces, with `labels.csv` and two broken files."""
    root = tmp_path_factory.mktemp("faces")
    paths = save_drawn(root, COUNT)
    rows = [
        ",".join([path.name, *(str(2 * int(value) - 1) for value in row)])
        for path, row in zip(paths, labels(COUNT), strict=True)
    ]
    (root / "labels.csv").write_text("\n".join([f"image,{','.join(NAMES)}", *rows]))
    (root / "b1.jpg").write_bytes(b"nothing")
    (root / "b2.png").write_bytes(paths[0].read_bytes()[:300])
    return root


@pytest.fixture(scope="module")
def data(images: Path) -> Data:
    return Data.of(images, PRESET.make_codec(), read_labels(images / "labels.csv"))


@pytest.fixture(scope="module")
def trained(data: Data, tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("runs") / "drawn"
    return place, training.train(PRESET, data, place, progress=False, workers=0)


def test_training_leaves_a_complete_model(trained) -> None:
    place, done = trained
    assert (done.result.steps, done.result.stopped) == (20, "steps")
    assert {"validation/loss", "validation/psnr", "validation/ssim"} <= set(done.result.best)
    space = facevae.load(place)
    assert space.name == "drawn"
    assert space.codec.config == {"name": "faces", "size": 32}
    assert set(space.attributes) == set(NAMES) == set(done.attributes)
    assert set(space.config.attributes) == set(NAMES)
    assert all(vector.any() for vector in space.attributes.values())
    assert space.prior.means.shape[1] == 6
    (made,) = space.sample(1)
    assert made.size == (32, 32)


def test_broken_files_are_counted_and_named(trained) -> None:
    place, done = trained
    assert set(done.broken) <= {"b1.jpg", "b2.png"}
    assert done.images == COUNT + 2
    for name, problem in done.broken.items():
        assert f"{name} {problem}" in done.report
    assert facevae.load(place).config.training["broken"] == len(done.broken)


def test_the_folder_tells_how_it_was_made(trained, images: Path) -> None:
    place, done = trained
    config = json.loads((place / "config.json").read_text())
    told = config["training"]
    assert told["recipe"] == PRESET.training
    assert (told["preset"], told["steps"]) == ("tiny", 20)
    assert told["best"]["step"] == done.result.best_step
    assert sum(told["images"].values()) == COUNT + 2
    assert {"torch", "python", "seqvae"} <= set(config["versions"])
    assert load_preset("tiny", path=place / RECIPE) == PRESET
    assert str(images) not in json.dumps(config)
    assert "\n| figure | value |\n|---|---:|\n| psnr |" in (place / "README.md").read_text()


def test_the_saved_weights_are_the_best_ones(trained, data: Data) -> None:
    from facevae.evaluate import evaluate

    place, done = trained
    paths = [data.validation.path(k) for k in range(len(data.validation))]
    figures = evaluate(facevae.load(place), paths)
    assert figures["psnr"] == pytest.approx(done.result.best["validation/psnr"], abs=0.05)
    assert figures["kl_nats"] == pytest.approx(done.result.best["validation/kl"], rel=0.02)


def test_nothing_that_is_held_out_is_trained_on(data: Data) -> None:
    parts = {
        part: {data.whole.split(part).name(k) for k in range(len(data.whole.split(part)))}
        for part in ("train", "validation", "test")
    }
    assert {data.train.name(k) for k in range(len(data.train))} == parts["train"]
    assert {data.validation.name(k) for k in range(len(data.validation))} == parts["validation"]
    assert not parts["train"] & (parts["validation"] | parts["test"])
    assert sum(map(len, parts.values())) == COUNT + 2


def same_files(one: Path, other: Path) -> list[str]:
    """Return the files of a model that are the same, byte by byte."""
    names = ("weights", "attributes", "prior")
    return [
        name
        for name in names
        if (one / f"{name}.safetensors").read_bytes()
        == (other / f"{name}.safetensors").read_bytes()
    ]


@pytest.mark.parametrize("step", [4, 14])
def test_an_interrupted_training_goes_on_to_the_same_end(
    trained, data, tmp_path: Path, interrupt, step: int
) -> None:
    place = tmp_path / "drawn"
    options = {"progress": False, "workers": 0}
    stopped = training.train(PRESET, data, place, callbacks=[interrupt(step)], **options)
    assert stopped.result.stopped == "interrupted"
    assert not stopped.attributes
    if step > 10:  # after the first validation there is a model
        assert facevae.load(place).latent_dim == 6
    ended = training.train(PRESET, data, place, resume=True, **options)
    assert ended.result.steps == 20
    assert same_files(place, trained[0]) == ["weights", "attributes", "prior"]


def test_training_on_from_another_model(trained, data, tmp_path: Path) -> None:
    slow = {**PRESET.training, "max_steps": 1, "optimizer": {"learning_rate": 1e-9}}
    preset = replace(PRESET, training=slow)
    training.train(preset, data, tmp_path / "on", start=trained[0], progress=False, workers=0)
    first, second = facevae.load(trained[0]).model, facevae.load(tmp_path / "on").model
    for before, after in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-6, rtol=1e-3)
    other = replace(PRESET, architecture={**PRESET.architecture, "latent_dim": 7})
    with pytest.raises(DataError, match="has shape"):
        training.train(other, data, tmp_path / "no", start=trained[0], progress=False)
    assert not (tmp_path / "no").exists()


def test_a_frozen_decoder_keeps_its_weights(trained, data: Data, tmp_path: Path) -> None:
    preset = replace(PRESET, training={**PRESET.training, "max_steps": 2, "frozen": "decoder"})
    training.train(preset, data, tmp_path / "m", start=trained[0], progress=False)
    before, after = (facevae.load(each).model.state_dict() for each in (trained[0], tmp_path / "m"))
    changed = {name.split(".")[0] for name in before if not before[name].equal(after[name])}
    assert changed == {"encoder"}


def test_random_weights_are_not_frozen(data: Data, tmp_path: Path) -> None:
    preset = replace(PRESET, training={**PRESET.training, "frozen": "decoder"})
    with pytest.raises(UsageError, match="name a model with --from"):
        training.train(preset, data, tmp_path / "m", progress=False)
    assert not (tmp_path / "m" / RECIPE).exists()


def test_a_recipe_that_freezes_both_networks_is_refused(data: Data, tmp_path: Path) -> None:
    frozen = {**PRESET.training, "frozen": "decoder"}
    preset = replace(PRESET, training=frozen, adversary={"begin_step": 10, "features": 1.0})
    with pytest.raises(UsageError, match=r"train nothing; set adversary\.begin_step"):
        training.train(preset, data, tmp_path / "m", progress=False)


def test_without_labels_there_are_no_vectors(images: Path, tmp_path: Path) -> None:
    short = replace(PRESET, training={**PRESET.training, "max_steps": 2})
    data = Data.of(images, short.make_codec())
    done = training.train(short, data, tmp_path / "plain", progress=False, workers=0)
    space = facevae.load(tmp_path / "plain")
    assert done.attributes == []
    assert not space.attributes
    assert space.prior is not None


PERCEPTUAL = replace(
    PRESET,
    architecture={"kind": "spatial", "latent_dim": 8, "width": 4, "sigma": 0.2, "perceptual": 2},
    refinement=2,
    adversary={"begin_step": 1, "interpolations": 1.0, "perceptual": 1.0, "width": 2},
    training={**PRESET.training, "max_steps": 2, "validate_every": 1},
)


def test_the_classifier_of_a_perceptual_loss_is_trained_once_and_kept(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facevae import classifier

    small = {"width": 2, "blocks": 1, "epochs": 1, "batch_size": 16, "seed": 3}
    monkeypatch.setattr(classifier, "PERCEPTUAL", small)
    place = tmp_path / "run"
    training.train(PERCEPTUAL, data, place, progress=False, workers=0)
    kept = place / training.PERCEPTUAL_CLASSIFIER
    assert classifier.load_classifier(kept).names == list(NAMES)
    first = kept.read_bytes()
    # Its features are those by which codes are refined afterwards.
    model = facevae.load(place).model
    assert (model.refinement, model.perceptual.channels) == (2, 8)
    trunk = classifier.load_classifier(kept).trunk.state_dict()
    for name, value in model.perceptual.state_dict().items():
        torch.testing.assert_close(value, trunk[name], rtol=1e-2, atol=1e-3)
    longer = replace(PERCEPTUAL, training={**PERCEPTUAL.training, "max_steps": 3})
    done = training.train(longer, data, place, resume=True, progress=False, workers=0)
    assert (done.result.steps, kept.read_bytes()) == (3, first)


def test_what_chooses_among_draws_is_trained_last(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facevae import classifier

    monkeypatch.setattr(classifier, "PERCEPTUAL", {"width": 2, "blocks": 1, "epochs": 1})
    monkeypatch.setattr(training, "fit_realism", partial(fit_realism, draws=32, steps=3))
    plain, chosen = tmp_path / "plain", tmp_path / "chosen"
    training.train(PERCEPTUAL, data, plain, progress=False, workers=0)
    with_it = replace(PERCEPTUAL, architecture={**PERCEPTUAL.architecture, "realism": 2})
    # The model to begin with has none, and one to go on from has one that is fitted anew.
    for start, place in ((plain, chosen), (chosen, tmp_path / "again")):
        training.train(with_it, data, place, start=start, progress=False, workers=0)
        model = facevae.load(place).model
        assert model.realism.weight.abs().max() > 0
        assert model.candidates > 1
    training.train(PERCEPTUAL, data, tmp_path / "less", start=chosen, progress=False, workers=0)
    assert facevae.load(tmp_path / "less").model.realism is None


def test_a_classifier_of_another_shape_is_refused(data: Data, tmp_path: Path) -> None:
    from facevae.classifier import FaceClassifier, save_classifier

    save_classifier(FaceClassifier(["smile"], 3, 1), tmp_path / "c.safetensors")
    given = {**PERCEPTUAL.adversary, "classifier": str(tmp_path / "c.safetensors")}
    preset = replace(PERCEPTUAL, adversary=given)
    with pytest.raises(DataError, match=r"of width 3 .* set architecture\.perceptual=3"):
        training.train(preset, data, tmp_path / "no", progress=False, workers=0)
    assert not (tmp_path / "no" / "recipe.yaml").exists()


def test_a_perceptual_loss_without_labels_is_refused_before_anything_is_written(
    images: Path, tmp_path: Path
) -> None:
    data = Data.of(images, PERCEPTUAL.make_codec())
    with pytest.raises(UsageError, match=r"trained from labels; .*--labels, .*--set adversary"):
        training.train(PERCEPTUAL, data, tmp_path / "no", progress=False, workers=0)
    assert not (tmp_path / "no").exists()


def test_resuming_nothing_is_refused(data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no checkpoint"):
        training.train(PRESET, data, tmp_path / "no", resume=True, progress=False, workers=0)
    assert not (tmp_path / "no").exists()


def test_labels_of_other_images_are_refused(images: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("image,Hat\nnobody.jpg,1\nnothing.jpg,-1\n")
    with pytest.raises(DataError, match="names only missing images"):
        Data.of(images, PRESET.make_codec(), read_labels(tmp_path / "other.csv"))


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    with pytest.raises(DataError, match="holds only 2 usable images"):
        Data.of(tmp_path, PRESET.make_codec())


@pytest.mark.parametrize(
    ("architecture", "objective", "factor"),
    [
        ({"reconstruction_factor": 10_000}, {}, 10_000),
        ({"reconstruction_factor": 10_000}, {"beta": 2.0}, 5_000),
        ({"reconstruction_factor": 100}, {"reconstruction_factor": 3.0}, 300),
        ({"sigma": 0.1}, {}, 12_288 / 0.02),
    ],
)
def test_the_implied_noise(architecture: dict, objective: dict, factor: float) -> None:
    sections = {"kind": "lecture", "size": 64, "latent_dim": 4, **architecture}
    preset = Preset("x", {"name": "faces", "size": 64}, sections, objective)
    found, implied = training.noise(preset.make_model())
    assert found == pytest.approx(factor)
    assert implied.sigma == pytest.approx((12_288 / (2 * factor)) ** 0.5)
    assert implied.beta == pytest.approx(implied.sigma**2)


@pytest.mark.parametrize("objective", [{"mode": "autoencoder"}, {"beta": 0.0}])
def test_there_is_no_noise_without_something_to_weigh(objective: dict) -> None:
    sections = {"kind": "lecture", "size": 16, "latent_dim": 4, "sigma": 0.1}
    preset = Preset("x", {"name": "faces", "size": 16}, sections, objective)
    assert training.noise(preset.make_model()) is None
