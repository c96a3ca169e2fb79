"""The models under contract; see `kinds.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from kinds import KINDS, SHIPPED, shipped

from vaecore.testing import ModelUnderTest


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are not worth sharing: threads would mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", params=KINDS)
def under_test(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ModelUnderTest:
    """A model on disk, of every kind in turn."""
    return KINDS[request.param](tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="session", params=SHIPPED)
def in_a_box(request: pytest.FixtureRequest) -> ModelUnderTest:
    """Every model of the boxes in turn."""
    return shipped(request.param)


@pytest.fixture(scope="session")
def tiny_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder for faces."""
    return KINDS["faces-residual"](tmp_path_factory.mktemp("models") / "faces").folder
