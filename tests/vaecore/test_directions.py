"""Directions: steps of attributes that depend on the code."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaecore.attributes import added_and_taken
from vaecore.directions import Directions, directions_fit, directions_from_state
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.folder import DIRECTIONS, read_tensors, write_tensors
from vaecore.page.recorded import record
from vaecore.space import LatentSpace


def trained(names: tuple[str, ...] = ("up", "right"), dim: int = 6, positions: int = 3):
    """Directions whose every weight is random, as after a training."""
    torch.manual_seed(3)
    found = Directions(names, dim, positions, width=8, blocks=2)
    for each in found.parameters():
        torch.nn.init.normal_(each, std=0.3)
    return found.eval().requires_grad_(False)


def test_before_training_each_step_is_the_vector() -> None:
    vectors = {"a": torch.arange(6.0), "b": -torch.arange(6.0)}
    about = {"a": {"less": 0.5}, "b": "words alone"}
    directions = Directions(list(vectors), 6, 2, width=4, blocks=1)
    directions.start(*added_and_taken(vectors, about))
    z = torch.randn(3, 6)
    steps = [{"a": 1.0}, {"a": -1.0}, {"b": -2.0}, {"a": 0.5, "b": 1.0}, {}]
    expected = [vectors["a"], -0.5 * vectors["a"], 2 * -vectors["b"], -0.5 * torch.arange(6.0), 0.0]
    for amounts, change in zip(steps, expected, strict=True):
        assert torch.allclose(directions.change(z, amounts), torch.zeros(3, 6) + change)


def test_steps_depend_on_the_code_and_each_row_on_its_own() -> None:
    directions, z = trained(), torch.randn(5, 6)
    steps = directions(z)
    assert steps.shape == (5, 4, 6)
    assert not torch.allclose(steps[0], steps[1])
    assert torch.allclose(directions(z[2:3])[0], steps[2], atol=1e-6)
    # In alphabetical order, added before taken.
    assert torch.allclose(directions.change(z, {"up": -0.5}), 0.5 * steps[:, 3], atol=1e-6)
    assert torch.allclose(
        directions.change(z, {"right": 2.0, "up": 1.0}), 2 * steps[:, 0] + steps[:, 2], atol=1e-5
    )


def test_positions_must_divide_the_code() -> None:
    with pytest.raises(ValueError, match="7 dimensions are not of 3 positions"):
        Directions(["a"], 7, 3)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_file_comes_back(tmp_path: Path, bits: int) -> None:
    path, directions = tmp_path / DIRECTIONS, trained()
    write_tensors(path, directions.state(), bits)
    again = directions_from_state(read_tensors(path, directions_fit(6)))
    assert again.sizes == directions.sizes
    z = torch.randn(4, 6)
    assert torch.allclose(again(z), directions(z), atol={8: 0.1, 16: 5e-3, 32: 0}[bits])


def test_a_check_of_a_file_leaves_the_compiler_alone(tmp_path: Path) -> None:
    path = tmp_path / DIRECTIONS
    write_tensors(path, trained().state())
    program = (
        "import sys; from pathlib import Path; from vaecore.folder import read_tensors\n"
        "from vaecore.directions import directions_fit, directions_from_state\n"
        "directions_from_state(read_tensors(Path(sys.argv[1]), directions_fit(6)))\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr


def test_a_page_can_run_them() -> None:
    assert record(trained(), torch.randn(1, 6)).steps[-1]["shape"] == [1, 4, 6]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.pop("added.up"), "a step that adds it and one that takes it away"),
        (lambda t: t.pop("place"), "lacks 'place'"),
        (lambda t: t.pop("norm.weight"), "lacks tensor 'norm.weight'"),
        (lambda t: t.update({"norm.weight": torch.ones(7)}), "has shape"),
        (lambda t: t.update({"taken.up": torch.ones(7)}), "no vector of 6 fractions"),
        (lambda t: t.update({"taken.up": torch.ones(6).long()}), "no vector of 6 fractions"),
        (lambda t: t.update({"place": torch.ones(3)}), "or their sides"),
        (lambda t: t.update({"input.weight": torch.ones(2000, 2)}), "has shape"),
        (lambda t: t.update({"place": torch.ones(3, 2000)}), "a width of 2000"),
        (lambda t: t.update({"place": torch.ones(4, 8)}), "has 8 dimensions, the model has 6"),
        (lambda t: t.update({f"blocks.{k}.x": torch.ones(1) for k in range(20)}), "20 blocks"),
        (lambda t: t.update({"norm.weight": torch.full((8,), torch.nan)}), "is not finite"),
        (lambda t: t.clear(), "a step that adds it"),
    ],
)
def test_a_changed_file_is_refused(tmp_path: Path, change, problem: str) -> None:
    path, tensors = tmp_path / DIRECTIONS, trained().state()
    change(tensors)
    write_tensors(path, tensors, 32)
    with pytest.raises(DataError, match=problem):
        read_tensors(path, directions_fit(6))


@pytest.fixture
def steered(space: LatentSpace) -> LatentSpace:
    """The space of points, in which steps lead another way at each point."""
    directions = trained(dim=2, positions=1)
    return LatentSpace(
        space.model,
        space.codec,
        attributes=space.attributes | {"plain": torch.ones(2)},
        directions=directions,
        config=space.config,
    )


def added(space: LatentSpace, z: Tensor, **amounts: float) -> Tensor:
    return space.added(z, [amounts])[0] - z[0]


def test_a_space_adds_steps_where_it_has_them_and_vectors_elsewhere(steered: LatentSpace) -> None:
    z, other = torch.tensor([[1.0, 2.0]]), torch.tensor([[-2.0, 0.5]])
    assert steered.directions is not None
    assert torch.allclose(added(steered, z, up=0.5), 0.5 * steered.directions(z)[0, 2])
    assert not torch.allclose(added(steered, z, up=0.5), added(steered, other, up=0.5))
    assert torch.allclose(added(steered, z, plain=0.5), torch.full((2,), 0.5))
    both = added(steered, z, up=1.0, plain=-1.0)
    assert torch.allclose(both, steered.directions(z)[0, 2] - 1)
    assert torch.equal(added(steered, z, up=0.0), torch.zeros(2))


def test_a_vector_of_ones_own_replaces_the_steps_of_its_name(steered: LatentSpace) -> None:
    assert steered.has_directions("up")
    assert not steered.has_directions("plain")
    steered.attributes["up"] = torch.tensor([0.0, 3.0])
    assert not steered.has_directions("up")
    assert torch.equal(added(steered, torch.ones(1, 2), up=1.0), torch.tensor([0.0, 3.0]))
    assert steered.has_directions("right")
    steered.directions = None
    assert not steered.has_directions("right")
    assert torch.equal(added(steered, torch.ones(1, 2), right=2.0), torch.tensor([2.0, 0.0]))


def test_a_model_folder_keeps_directions(
    points: Domain, steered: LatentSpace, tmp_path: Path
) -> None:
    config = replace(steered.config, prior_bits=32)
    place = tmp_path / "model"
    points.save(place, steered.model, config, steered.attributes, directions=steered.directions)
    again = points.load(place)
    z = torch.randn(1, 2)
    assert torch.equal(added(again, z, right=-1.0), added(steered, z, right=-1.0))
    write_tensors(place / DIRECTIONS, trained().state())
    with pytest.raises(DataError, match="has 6 dimensions, the model has 2"):
        points.load(place)
