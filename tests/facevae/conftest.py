"""Drawn faces in files, and a box with a tiny untrained face model."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from drawn_files import save_drawn

from vaecore.domain import Domain

if TYPE_CHECKING:
    from torch import Tensor

    from facevae.classifier import FaceClassifier

SIZE = 32


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve picture files of drawn faces, in one folder."""
    return save_drawn(tmp_path_factory.mktemp("drawn"), 12)


@pytest.fixture(scope="session")
def face_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with a tiny untrained model, `faces_64`, which sees 32 x 32 pixels all the same."""
    import torch

    from facevae.codec import FaceCodec
    from facevae.domain import DOMAIN
    from facevae.networks.architecture import FaceArchitecture
    from vaecore.config import ModelConfig
    from vaecore.objective import Objective

    folder = tmp_path_factory.mktemp("box")
    architecture = FaceArchitecture("vanilla", SIZE, latent_dim=6, sigma=0.1)
    torch.manual_seed(1)
    model = DOMAIN.make_model(asdict(architecture), Objective())
    with torch.no_grad():  # untrained networks hardly listen to z; here z must be seen
        for parameter in model.parameters():
            parameter.mul_(1.7)
    config = ModelConfig(
        domain="facevae",
        name="faces_64",
        representation=FaceCodec(SIZE).config,
        architecture=asdict(architecture),
        objective={},
        description="Faces, tiny and untrained",
        attributes={"Smiling": "a smile", "Blond_Hair": "blond hair"},
    )
    vectors = {"Smiling": torch.linspace(-2, 2, 6), "Blond_Hair": torch.linspace(3, 1, 6)}
    DOMAIN.save(folder / "faces_64", model, config, attributes=vectors)
    return folder


@pytest.fixture
def boxed_faces(face_box: Path, monkeypatch: pytest.MonkeyPatch) -> Domain:
    """The domain of faces with the box of the tiny model in place of the shipped one."""
    import facevae.domain

    domain = replace(facevae.domain.DOMAIN, box=face_box)
    monkeypatch.setattr(facevae.domain, "DOMAIN", domain)
    return domain


@pytest.fixture(scope="session")
def having() -> Tensor:
    """Which of 300 drawn faces have which attribute."""
    from drawn import labels

    return labels(300, 5)


@pytest.fixture(scope="session")
def fitter() -> FaceClassifier:
    """A classifier of the attributes of drawn faces."""
    from drawn import NAMES, draw, labels

    from facevae.classifier import Faces, train_classifier

    shown = labels(480, 1)
    faces = Faces((draw(shown, size=32) * 255).byte(), shown)
    few = Faces(faces.images[:60], faces.labels[:60])
    return train_classifier(faces, few, NAMES, width=4, epochs=4, batch_size=24, rate=5e-3)
