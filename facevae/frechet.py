"""The Fréchet distance between two sets of pictures, in the features of a classifier."""

from __future__ import annotations

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the squared Fréchet distance of two normal distributions fitted to two sets.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), as Heusel et al. (GANs trained by a two
    time-scale update rule, 2017) take it of Inception features. It depends on the classifier
    behind the features, and is larger the fewer pictures there are: compare only figures of the
    same classifier and the same numbers, and with that of real pictures against real pictures.

    Args:
        a: Features `(n, dimensions)`, n at least 2.
        b: Features `(m, dimensions)`, m at least 2.

    Returns:
        At least 0, in squared units of the features.

    Raises:
        ValueError: A set is too small, or the two have not the same features.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            f"need two sets (n, dimensions) of at least 2 rows, got {a.shape} and {b.shape}"
        )
    a, b = a.astype(np.float64), b.astype(np.float64)
    shift = a.mean(0) - b.mean(0)
    cov_a, cov_b = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (a, b))
    root = _root(cov_a)
    # C_a C_b has the eigenvalues of the symmetric C_a^(1/2) C_b C_a^(1/2), which are real.
    shared = np.linalg.eigvalsh(root @ cov_b @ root)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(shared.clip(min=0)).sum()
    return float(max(shift @ shift + trace, 0.0))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the square root of a symmetric, positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(covariance)
    root: np.ndarray = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root
