"""The Fréchet distance, where it is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from facevae.frechet import frechet_distance


def normal(seed: int, n: int = 400, dimensions: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, dimensions)) @ rng.standard_normal((dimensions, dimensions))


def test_a_set_is_at_no_distance_from_itself() -> None:
    a = normal(1)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-9)


def test_a_shift_counts_squared() -> None:
    a = normal(1)
    assert frechet_distance(a, a + np.array([3, 4, 0, 0, 0, 0])) == pytest.approx(25)


def test_deviations_count_squared() -> None:
    """Independent dimensions: the sum of squared differences of the standard deviations."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((500, 3))
    a = np.linalg.qr(a - a.mean(0))[0] * np.sqrt(499)  # covariance exactly I
    scale = np.array([2.0, 0.5, 1.0])
    assert frechet_distance(a, a * scale) == pytest.approx(1 + 0.25)


def test_it_is_the_formula_of_heusel_et_al() -> None:
    a, b = normal(1), normal(2, n=300) + 1
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)


def test_fewer_rows_than_dimensions_are_no_error() -> None:
    """Singular covariances, of which a plain matrix root is complex or fails."""
    a, b = normal(1, n=5, dimensions=20), normal(2, n=6, dimensions=20)
    assert np.isfinite(frechet_distance(a.astype(np.float32), b.astype(np.float32)))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_one_dimension() -> None:
    a = np.array([[0.0], [2.0]])
    assert frechet_distance(a, 3 * a + 1) == pytest.approx(9 + 8)


@pytest.mark.parametrize("shape", [(1, 3), (4, 2), (4,)])
def test_sets_that_cannot_be_compared_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 2 rows"):
        frechet_distance(np.zeros((4, 3)), np.zeros(shape))
