"""Presets: read from YAML, changed by settings, and strict about what they do not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from lines import PRESETS, LinePreset

from vaecore.errors import DataError, UsageError
from vaecore.presets import RECIPE, preset_names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "presets.yaml"
    path.write_text(PRESETS)
    return path


def test_a_preset_is_made_of_its_sections(file: Path) -> None:
    assert preset_names(file) == ["small", "flowing"]
    preset = LinePreset.load("small", [], file)
    assert preset.name == "small"
    assert preset.description == "eight numbers"
    assert preset.make_codec().length == 8
    assert preset.make_model().latent_dim == 4
    assert preset.make_training().max_steps == 6
    assert preset.prior == {}


def test_settings_change_a_preset_and_not_the_file(file: Path) -> None:
    settings = [
        "architecture.latent_dim=2",
        "training.optimizer.learning_rate=1e-2",
        "objective.beta=0.5",
        "prior={steps: 3}",
    ]
    with pytest.raises(UsageError, match=r"a setting is section\.key=value, got 'prior="):
        LinePreset.load("small", settings, file)
    preset = LinePreset.load("small", [*settings[:3], "prior.steps=3"], file)
    assert preset.make_model().latent_dim == 2
    assert preset.make_model().objective.beta.final == 0.5
    assert preset.make_training().optimizer.learning_rate == 0.01
    assert preset.prior == {"steps": 3}
    assert LinePreset.load("small", [], file).architecture["latent_dim"] == 4


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.max_step=3", "preset small: training: unknown key 'max_step'; known: batch_"),
        ("training.optimizer.name=sgd", "training.optimizer: name: input should be 'adam'"),
        ("architecture.width=3", "preset small: architecture: unknown key 'width'; known: length"),
        ("architecture.latent_dim=0", "preset small: latent_dim must be at least 1"),
        ("architecture.latent_dim=1e-3x", "latent_dim must be int, got '1e-3x'"),
        ("architecture.latent_dim=2024-01-01", "preset small: .*date is not JSON serializable"),
        ("representation.size=3", "preset small: .*size"),
        ("prior.depth=3", "preset small: prior: unknown key 'depth'; known: .*blocks"),
        ("prior.width=-5", "preset small: prior: width: .* greater than or equal to 1"),
        ("prior.width=0", "preset small: prior: width"),
        ("prior.width=x", "preset small: prior: width must be int, got 'x'"),
        ("prior.groups=3", "prior: groups must divide the 4 latent dimensions, got 3"),
        ("prior.learning_rate=.nan", "preset small: .*learning_rate"),
        ("training.optimizer.learning_rate=.inf", "preset small: .*learning_rate"),
        ("training.accelerator=abacus", "preset small: training: accelerator: input should"),
        ("training.seed=99999999999999999999", "preset small: training: seed"),
        ("training.optimizer.betas=[2, 3]", "preset small: training.optimizer: "),
        ("architecture.length=99999999999", "preset small: its sizes are neg"),
        ("optimizer.name=adam", "preset small: unknown key 'optimizer'; known: name, repr"),
        ("description.text=1", "description is no section"),
        ("objective=[", "section.key=value"),
        ("objective.beta=[", "'objective.beta=.': the value is not YAML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(file: Path, setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LinePreset.load("small", [setting], file)


def test_unknown_presets_and_files_that_hold_none(tmp_path: Path, file: Path) -> None:
    with pytest.raises(UsageError, match="no preset 'tiny'; known are small, flowing"):
        LinePreset.load("tiny", [], file)
    with pytest.raises(DataError, match=r"missing\.yaml: does not exist"):
        preset_names(tmp_path / "missing.yaml")
    for content, message in (
        (b"a: [", "is no file of presets|has no presets"),
        (b"\xff", "is not UTF-8"),
        (b"- 1", "is no file of presets"),
        (b"a: 1", "is no file of presets"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            preset_names(file)
        assert caught.value.path == file


def test_a_recipe_that_was_written_is_read_again(file: Path, tmp_path: Path) -> None:
    preset = LinePreset.load("flowing", ["objective.beta=0.25"], file)
    preset.write(tmp_path / "model")
    assert LinePreset.load("flowing", [], tmp_path / "model" / RECIPE) == preset
    assert [path.name for path in (tmp_path / "model").iterdir()] == [RECIPE]
