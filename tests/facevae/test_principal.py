"""The linear part: it is probabilistic PCA, and what it says of pictures is the truth."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import FaceVAE
from facevae.networks.principal import Planes, principal_components

SIZE, LATENT, SIGMA = 32, 4, 0.05


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Pictures that are linear in four smooth patterns, and a little noise."""
    generator = torch.Generator().manual_seed(0)
    patterns = torch.nn.functional.interpolate(
        torch.randn(LATENT, 3, 4, 4, generator=generator), size=SIZE, mode="bicubic"
    )
    weights = torch.randn(600, LATENT, generator=generator) * torch.tensor([0.08, 0.06, 0.04, 0.03])
    clean = 0.5 + torch.einsum("nk,kchw->nchw", weights, patterns)
    return clean + 0.01 * torch.randn(clean.shape, generator=generator)


@pytest.fixture(scope="module")
def model(pictures: Tensor) -> FaceVAE:
    torch.manual_seed(0)
    architecture = FaceArchitecture(size=SIZE, latent_dim=LATENT, width=8, sigma=SIGMA)
    model = FaceVAE(architecture)
    model.start(pictures.split(100))
    return model.eval()


def test_planes_come_back(pictures: Tensor) -> None:
    planes = Planes(SIZE)
    grey = pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(planes.picture(planes(grey)), grey, rtol=0, atol=1e-4)
    vectors = torch.randn(3, planes.features)
    light, colour = SIZE**2, planes.features - SIZE**2
    assert colour == 2 * (SIZE // 4) ** 2
    torch.testing.assert_close(
        planes(planes.picture(vectors))[:, :light], vectors[:, :light], rtol=1e-3, atol=1e-3
    )


def test_components_are_those_of_numpy(pictures: Tensor) -> None:
    import numpy as np

    planes = Planes(SIZE)
    mean, variances, directions = principal_components(pictures.split(64), planes, LATENT)
    vectors = planes(pictures).double().numpy()
    np.testing.assert_allclose(mean, vectors.mean(0), atol=1e-4)
    _, singular, right = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    np.testing.assert_allclose(variances, singular[:LATENT] ** 2 / len(vectors), rtol=1e-2)
    overlap = np.abs(np.sum(right[:LATENT].T * directions.numpy(), axis=0))
    np.testing.assert_allclose(overlap, 1, atol=1e-2)


def test_an_untrained_model_already_reconstructs(model: FaceVAE, pictures: Tensor) -> None:
    with torch.no_grad():
        decoded = model.decode(model.encode(pictures).mean)
    error = (decoded - pictures).square().mean()
    assert error < 0.1 * pictures.var(0).mean()


def test_its_codes_are_standard_normal(model: FaceVAE, pictures: Tensor) -> None:
    """The aggregate posterior of probabilistic PCA has mean 0 and covariance I."""
    with torch.no_grad():
        posterior = model.encode(pictures)
    assert posterior.mean.mean(0).abs().max() < 0.15
    total = posterior.mean.var(0) + posterior.stddev.square().mean(0)
    torch.testing.assert_close(total, torch.ones(LATENT), rtol=0, atol=0.15)


def test_posterior_deviation_is_the_closed_form(model: FaceVAE, pictures: Tensor) -> None:
    from facevae.networks.model import SCALE

    scaled = [(pictures - 0.5) / SCALE]
    _, variances, _ = principal_components(scaled, Planes(SIZE), LATENT)
    noise = (SIGMA / SCALE) ** 2
    expected = (noise / (noise + variances)).sqrt()
    with torch.no_grad():
        found = model.encode(pictures).stddev.mean(0)
    # The convolutions, which are not trained yet, add a little to its logarithm.
    torch.testing.assert_close(found, expected, rtol=0.4, atol=0)
