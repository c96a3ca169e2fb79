"""A domain that no file of the core names works like those of the packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

import vaecore
from vaecore.errors import DataError
from vaecore.space import LatentSpace
from vaecore.testing import ModelUnderTest

CORE = Path(vaecore.__file__).parent


@pytest.fixture
def pictures(under_test: ModelUnderTest) -> LatentSpace:
    return under_test.load()


only_pictures = pytest.mark.parametrize("under_test", ["pictures"], indirect=True)


def drawing(*ink: tuple[int, int]) -> str:
    return "\n".join("".join("#" if (r, c) in ink else "." for c in range(8)) for r in range(8))


@only_pictures
def test_files_and_folders(pictures: LatentSpace, tmp_path: Path) -> None:
    path = tmp_path / "dot.txt"
    path.write_text(drawing((2, 3), (5, 5)))
    assert torch.equal(pictures.encode(path), pictures.encode(drawing((2, 3), (5, 5))))
    again = pictures.reconstruct([path])[0]
    assert [len(row) for row in again.splitlines()] == [8] * 8
    assert set(again) == set("#.\n")
    path.write_text("no drawing")
    with pytest.raises(DataError, match=r"dot\.txt: is no drawing"):
        pictures.encode(path)


@only_pictures
def test_it_trains_with_the_objective_of_the_core(pictures: LatentSpace) -> None:
    x = torch.stack([pictures.codec.encode(drawing((i, i), (i, 7 - i))) for i in range(8)])
    model = pictures.model.train()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    generator = torch.Generator().manual_seed(1)
    losses = []
    for step in range(300):
        terms = model.loss(x, step, generator)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        losses.append(terms.reconstruction.item())
    assert losses[-1] < 0.3 * losses[0]


def test_the_core_names_no_domain() -> None:
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.partition(".")[0] for name in names}
            assert not roots & {"seqvae", "facevae", "pretty_midi", "note_seq", "PIL"}, path
