"""Training against a critic: whose gradient reaches whom, and that it resumes exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.critic import Critic
from facevae.networks.model import FaceVAE
from vaecore.training.config import OptimizerConfig, TrainingConfig

pytest.importorskip("lightning")
SIZE = 32


def make_model() -> FaceVAE:
    torch.manual_seed(0)
    return FaceVAE(FaceArchitecture(size=SIZE, latent_dim=4, width=4, sigma=0.1))


@pytest.fixture
def x() -> Tensor:
    return torch.rand(8, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def make_module(model: FaceVAE, **settings: float):
    from facevae.adversary import AdversarialModule, Adversary

    torch.manual_seed(1)
    config = TrainingConfig(precision="32")
    module = AdversarialModule(model, config, None, Adversary(width=4, **settings))
    module.noise.begin(5, 0, torch.device("cpu"))
    return module


def test_critic_scores_each_picture_alone(x: Tensor) -> None:
    critic = Critic(SIZE, 4).eval()
    with torch.no_grad():
        scores, features = critic(x)
        alone, _ = critic(x[3:4])
    assert scores.shape == (8, 1)
    assert [each.shape[2] for each in features] == [16, 8, 4, 2]
    torch.testing.assert_close(scores[3:4], alone, rtol=1e-4, atol=1e-5)


def test_without_pulls_the_decoder_gets_its_own_gradient(x: Tensor) -> None:
    """All shares at 0: what reaches the decoder is the likelihood's gradient; the encoder rests."""
    model = make_model()
    module = make_module(model, reconstruction=0.0, prior=0.0, features=0.0)
    module.training_step(x, 0).backward()
    found = {name: p.grad for name, p in model.decoder.named_parameters()}
    assert all(p.grad is None for p in model.encoder.parameters())
    again = make_model()
    again.encoder.eval()
    module.noise.begin(5, 0, torch.device("cpu"))
    again.loss(x, 0, module.noise).loss.backward()
    for name, parameter in again.decoder.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-3, atol=1e-2)


def test_before_it_begins_training_is_plain(x: Tensor) -> None:
    model = make_model()
    module = make_module(model, begin_step=1)
    loss = module.training_step(x, 0)
    module.noise.begin(5, 0, torch.device("cpu"))
    torch.testing.assert_close(loss, make_model().loss(x, 0, module.noise).loss)
    loss.backward()
    assert all(p.grad is None for p in module.critic.parameters())
    assert all(p.grad is not None for p in model.encoder.parameters())


def test_critic_gets_the_hinge_gradient_alone(x: Tensor) -> None:
    model = make_model()
    module = make_module(model)
    module.training_step(x, 0).backward()
    found = [p.grad.clone() for p in module.critic.parameters()]
    assert all(grad.isfinite().all() for grad in found)
    stronger = make_module(make_model(), reconstruction=3.0, prior=5.0, features=3.0)
    torch.manual_seed(1)
    module.zero_grad()
    module.critic.load_state_dict(stronger.critic.state_dict())
    for each in (module, stronger):
        each.noise.begin(7, 0, torch.device("cpu"))
        each.training_step(x, 0).backward()
    for mine, theirs in zip(module.critic.parameters(), stronger.critic.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


def test_pulls_are_shares_of_the_likelihoods(x: Tensor) -> None:
    """The push on invented pictures is as strong as its share of the likelihood's pull says."""
    module = make_module(make_model(), reconstruction=0.3, features=0.3, prior=0.5, warmup_steps=0)
    pull = torch.randn(4, 3, SIZE, SIZE)
    _, push, invented = module._critic_gradients(
        x[:4], torch.rand_like(x[:4]), torch.rand_like(x[:4]), pull
    )
    assert invented.norm() == pytest.approx(0.5 * float(pull.norm()), rel=1e-3)
    assert push.norm() <= (0.3 + 0.3) * float(pull.norm()) * 1.001


def train(output: Path, steps: int, resume: Path | None = None) -> dict[str, Tensor]:
    from functools import partial

    from facevae.adversary import AdversarialModule, Adversary
    from facevae.codec import FaceCodec
    from facevae.data.folder import FaceFolder
    from facevae.data.loader import FaceLoader
    from vaecore.training import fit

    folder = FaceFolder(output.parent / "faces", FaceCodec(SIZE))
    loader = FaceLoader(folder, 4, seed=0, workers=0)
    config = TrainingConfig(
        batch_size=4,
        max_steps=steps,
        optimizer=OptimizerConfig(schedule="constant"),
        validate_every=2,
        monitor=None,
        hopeless_norm=1e9,
        accelerator="cpu",
    )
    model = make_model()
    make = partial(AdversarialModule, adversary=Adversary(width=4, begin_step=1, prior=1.0))
    fit(model, loader, loader, config, output, resume=resume, progress=False, make_module=make)
    return model.state_dict()


def test_resumes_exactly(tmp_path: Path) -> None:
    from PIL import Image

    faces = tmp_path / "faces"
    faces.mkdir()
    generator = torch.Generator().manual_seed(3)
    for index in range(8):
        pixels = torch.randint(0, 256, (SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(faces / f"{index}.png")
    whole = train(tmp_path / "whole", 4)
    train(tmp_path / "parts", 2)
    resumed = train(tmp_path / "parts", 4, tmp_path / "parts" / "last.ckpt")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)
