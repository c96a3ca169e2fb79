"""The presets: complete, usable, changeable, and strict about what they do not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqvae.music.presets import PRESETS, load_preset
from vaecore.errors import DataError, UsageError
from vaecore.presets import preset_names

pytest.importorskip("pydantic")


@pytest.mark.parametrize("name", preset_names(PRESETS))
def test_every_preset_is_usable(name: str) -> None:
    preset = load_preset(name)
    model, codec = preset.make_model(), preset.make_codec()
    assert model.architecture.steps == codec.steps

    assert model.architecture.classes == codec.classes
    assert preset.description
    weights = sum(parameter.numel() for parameter in model.parameters())
    largest = 35e6 if "trio" in name else 25e6 if "16bar" in name else 12e6
    assert 2 * weights <= largest  # bytes, as float16 in the box


def test_settings_change_a_preset() -> None:
    settings = ["training.optimizer.learning_rate=0.5", "objective.beta={kind: linear, steps: 9}"]
    preset = load_preset("drums_2bar", [*settings, "architecture.dropout=0"])
    assert preset.make_training().optimizer.learning_rate == 0.5
    assert preset.make_model().objective.beta(3) == pytest.approx(1 / 3)
    assert load_preset("drums_2bar").make_training().optimizer.learning_rate != 0.5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.max_step=3", "training: unknown key 'max_step'; known: batch_size"),
        ("training.optimizer.name=sgd", "training.optimizer: name: input should be 'adam'"),
        ("architecture.heads=3", "unknown key 'heads'"),
        ("objective.betas=3", "'betas'"),
        ("augmentation.stretch={}", "'stretch'"),
        ("augmentation.mix={share: 1}", "mix"),
        ("representation.bar=2", "bar"),
        ("optimizer.name=adam", "unknown key 'optimizer'"),
        ("training", "section.key=value"),
        ("training.seed.x=1", "training: seed must be int"),
    ],
)
def test_unknown_settings_are_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_preset("drums_2bar", [setting])


def test_unknown_presets_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no preset 'drum'; known are drums_2bar"):
        load_preset("drum")
    with pytest.raises(DataError, match="does not exist"):
        preset_names(tmp_path / "missing.yaml")
    for text in ("a: [", "- 1", "a: 1"):
        (tmp_path / "broken.yaml").write_text(text)
        with pytest.raises(DataError, match="is no file of presets"):
            preset_names(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("1.5E+2", 150), ("1.0e-2", 0.01), ("2", 2), ("0.25", 0.25)],
)
def test_numbers_with_an_exponent_are_numbers(text: str, value: float) -> None:
    preset = load_preset("drums_2bar", [f"objective.beta={text}"])
    assert preset.make_model().objective.beta.final == value
    inside = f"objective.beta={{kind: linear, steps: 5, max_beta: {text}}}"
    assert load_preset("drums_2bar", [inside]).objective["beta"]["max_beta"] == value


@pytest.mark.parametrize("text", ["e3", "1e", "1e3x", "-", "1-e3"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        load_preset("drums_2bar", [f"objective.beta={text}"])
