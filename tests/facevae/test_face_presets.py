"""The presets of faces: complete, usable, changeable, and strict about what they do not know."""

from __future__ import annotations

import pytest

from facevae.presets import PRESETS, Preset, load_preset
from vaecore.errors import UsageError
from vaecore.presets import preset_names

pytest.importorskip("pydantic")


@pytest.mark.parametrize("name", preset_names(PRESETS))
def test_every_preset_is_usable(name: str) -> None:
    preset = load_preset(name)
    model, codec = preset.make_model(), preset.make_codec()
    assert model.architecture.size == codec.size
    assert preset.description
    assert model.architecture.latent_dim >= 200
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert 2 * weights <= 25e6  # bytes, as float16 in the box


def test_the_lectures_factor_is_offered_by_its_name() -> None:
    assert load_preset("lecture").architecture["reconstruction_factor"] == 10_000


def test_the_size_of_the_pictures_is_said_once() -> None:
    sections = {"architecture": {"sigma": 0.1}, "representation": {"name": "faces", "size": 32}}
    preset = Preset("small", **sections).check()
    assert preset.make_model().architecture.size == 32


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.max_step=3", "unknown key .max_step.; known: batch_size"),
        ("architecture.heads=3", "unknown key 'heads'"),
        ("architecture.kind=deep", "kind must be one of"),
        ("objective.betas=3", "'betas'"),
        ("representation.size=60", "multiple of 8"),
        ("representation.size=32", "has size 64, the representation 32"),
        ("augmentation.flip=1", "unknown key 'augmentation'"),
    ],
)
def test_unknown_settings_are_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_preset("faces_64", [setting])
