"""Attribute vectors: what they change, and what they must leave alone."""

import pytest
import torch

from vaecore.attributes import (
    apply_attributes,
    attribute_directions,
    attribute_vector,
    quartile_attribute_vector,
)
from vaecore.errors import UsageError


@pytest.fixture
def correlated():
    """Two attributes that are linear in z and strongly correlated over the data."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(4000, 8, generator=generator)
    # The data are stretched along (1, 1): what the two readings share.
    z[:, 1] = 0.9 * z[:, 0] + (1 - 0.9**2) ** 0.5 * z[:, 1]
    readings = torch.zeros(8, 2)
    readings[0, 0] = readings[1, 1] = 1.0
    readings[2, 0] = 0.3
    noise = 0.05 * torch.randn(4000, 2, generator=generator)
    return z, z @ readings + noise, readings


def test_attribute_vector_is_the_difference_of_means():
    with_it, without = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 1.0]])
    assert attribute_vector(with_it, without).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="both sides, got 2 and 0"):
        attribute_vector(with_it, without[:0])


def test_quartiles():
    z = torch.arange(8.0).unsqueeze(1).flip(0)
    values = torch.arange(8).flip(0)
    assert quartile_attribute_vector(z, values).tolist() == [6.0]
    shuffled = torch.tensor([3, 0, 7, 5, 1, 6, 2, 4])
    assert torch.equal(
        quartile_attribute_vector(z[shuffled], values[shuffled]), torch.tensor([6.0])
    )
    with pytest.raises(ValueError, match="same value 1"):
        quartile_attribute_vector(z, torch.tensor([1, 1, 1, 1, 1, 1, 1, 2]))


def test_directions_change_one_attribute_where_the_difference_drags_both(correlated):
    z, values, readings = correlated
    changes = attribute_directions(z, values) @ readings
    torch.testing.assert_close(changes, torch.eye(2), atol=0.03, rtol=0)

    plain = attribute_vector(z[values[:, 0] > 0], z[values[:, 0] <= 0]) @ readings
    assert plain[1] / plain[0] > 0.7
    quartiles = quartile_attribute_vector(z, values[:, 0]) @ readings
    assert quartiles[1] / quartiles[0] > 0.7


def test_directions_are_the_most_plausible_that_do_so(correlated):
    z, values, _ = correlated
    directions = attribute_directions(z, values, ridge=0.0).double()
    precision = torch.cov(z.T.double()).inverse()
    fitted = torch.linalg.lstsq(
        (z - z.mean(0)).double(), (values - values.mean(0)).double()
    ).solution
    others = torch.randn(200, 8, generator=torch.Generator().manual_seed(1)).double()
    # Steps that change no attribute: what may be added without breaking the promise.
    others -= others @ fitted @ torch.linalg.pinv(fitted)
    for direction in directions:
        cost = direction @ precision @ direction
        moved = direction + 0.1 * others
        torch.testing.assert_close(moved @ fitted, (direction @ fitted).expand(200, 2))
        assert (torch.einsum("nd,de,ne->n", moved, precision, moved) > cost).all()


def test_one_attribute_alone_goes_along_its_covariance(correlated):
    z, values, _ = correlated
    direction = attribute_directions(z, values[:, :1])[0]
    centred = z - z.mean(0)
    covariance = centred.T @ (values[:, 0] - values[:, 0].mean())
    assert torch.cosine_similarity(direction, covariance, dim=0) > 0.99999


def test_directions_refuse_what_cannot_be_told_apart(correlated):
    z, values, _ = correlated
    with pytest.raises(ValueError, match=r"\[1\] are constant"):
        attribute_directions(z, torch.stack([values[:, 0], torch.ones(len(z))], 1))
    with pytest.raises(ValueError, match="linear combinations"):
        attribute_directions(z, torch.stack([values[:, 0], 2 * values[:, 0]], 1))
    with pytest.raises(ValueError, match="must be"):
        attribute_directions(z, values[:, 0])


def test_apply_attributes():
    z = torch.zeros(2, 2)
    vectors = {"density": torch.tensor([1.0, 0.0]), "swing": torch.tensor([0.0, 2.0])}
    edited = apply_attributes(z, vectors, {"density": -1.0, "swing": 0.5})
    assert edited.tolist() == [[-1.0, 1.0], [-1.0, 1.0]]
    assert z.count_nonzero() == 0
    with pytest.raises(UsageError, match=r"'smile'.*density, swing"):
        apply_attributes(z, vectors, {"smile": 1.0})
