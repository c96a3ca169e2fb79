"""The face networks: shapes, the likelihood's closed form, and the same result in any batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from facevae.networks.architecture import KINDS, FaceArchitecture
from facevae.networks.model import FaceVAE
from vaecore.objective import Objective

SIZE, LATENT = 32, 16


def make(kind: str, **options: object) -> FaceVAE:
    settings = {"size": SIZE, "latent_dim": LATENT, "width": 8, "sigma": 0.1, **options}
    torch.manual_seed(1)
    return FaceVAE(FaceArchitecture(kind=kind, **settings)).eval()


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> FaceVAE:
    return make(request.param)


@pytest.fixture
def x() -> Tensor:
    return torch.rand(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def test_shapes_and_ranges(model: FaceVAE, x: Tensor) -> None:
    posterior = model.encode(x)
    assert posterior.mean.shape == posterior.stddev.shape == (5, LATENT)
    pictures = model.decode(3 * torch.randn(4, LATENT))
    assert pictures.shape == (4, 3, SIZE, SIZE)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert model.log_likelihood(x, posterior.mean).shape == (5,)


def test_likelihood_is_the_gaussian_density(model: FaceVAE, x: Tensor) -> None:
    z = torch.randn(5, LATENT)
    with torch.no_grad():
        mean = model.decoder(z)
        expected = torch.distributions.Normal(mean, 0.1).log_prob(x).flatten(1).sum(1)
        torch.testing.assert_close(model.log_likelihood(x, z), expected, rtol=1e-5, atol=0.05)


def test_pictures_have_no_grain_at_any_temperature(model: FaceVAE) -> None:
    z = torch.randn(2, LATENT)
    torch.testing.assert_close(model.decode(z, 1.0, seed=1), model.decode(z, 0.0), rtol=0, atol=0)


def test_an_example_does_not_depend_on_its_batch(model: FaceVAE, x: Tensor) -> None:
    with torch.no_grad():
        whole, alone = model.encode(x).mean, model.encode(x[2:3]).mean
        torch.testing.assert_close(whole[2:3], alone, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.decode(whole)[2:3], model.decode(alone), rtol=0, atol=1e-4)


def test_gradients_reach_every_weight(model: FaceVAE, x: Tensor) -> None:
    model.train()
    with torch.no_grad():
        # Some layers start at zero, and what lies behind them is still.
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    model.loss(x).loss.backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


def test_mixed_precision_is_nearly_the_same(model: FaceVAE, x: Tensor) -> None:
    with torch.no_grad():
        exact = model.decode(model.encode(x).mean)
        model.mixed_precision = True
        rough = model.decode(model.encode(x).mean)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.02


def test_the_lecture_has_its_five_points() -> None:
    """Three channels last, a large code, batch norms, the factor; the folder is the loader's."""
    from facevae.presets import load_preset

    model = load_preset("lecture").make_model()
    transposed = [m for m in model.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert transposed[-1].out_channels == 3
    assert model.latent_dim >= 200
    assert len(norms) == len(convolutions) + len(transposed) - 1  # none after the picture itself
    assert model.architecture.reconstruction_factor == 10_000


def test_reconstruction_factor_is_the_lectures_loss(x: Tensor) -> None:
    """-log p(x|z) is 10,000 times the mean squared error, up to a constant."""
    model = make("lecture", sigma=None, reconstruction_factor=10_000)
    z = torch.randn(5, LATENT)
    with torch.no_grad():
        errors = (x - model.decoder(z)).square().flatten(1).mean(1)
        surplus = -model.log_likelihood(x, z) - 10_000 * errors
    noise = math.sqrt(3 * SIZE**2 / 20_000)
    constant = 3 * SIZE**2 * (math.log(noise) + 0.5 * math.log(2 * math.pi))
    torch.testing.assert_close(surplus, torch.full((5,), constant), rtol=1e-4, atol=0.1)
    assert model.architecture.noise == pytest.approx(noise)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind": "unet"}, "kind"),
        ({"size": 60}, "size"),
        ({"size": 1024}, "size"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 100_000}, "width"),
        ({"dropout": 1.0}, "dropout"),
        ({"sigma": 0.0}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"sigma": None}, "sigma"),
        ({"reconstruction_factor": 10_000.0}, "sigma"),
    ],
)
def test_impossible_architectures_are_refused(options: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        FaceArchitecture(**{"sigma": 0.1, **options})


def test_objective_is_the_models(x: Tensor) -> None:
    model = FaceVAE(
        FaceArchitecture(size=SIZE, latent_dim=4, width=8, sigma=0.1), Objective("autoencoder")
    )
    torch.testing.assert_close(model.eval().loss(x).loss.detach(), model.loss(x).reconstruction)
