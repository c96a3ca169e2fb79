"""A perceptual loss, and a critic of interpolations: which gradients reach which weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.critic import Adversary
from facevae.networks.model import FaceVAE
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import DataError
from vaecore.training.config import TrainingConfig

pytest.importorskip("lightning")
SIZE = 64


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from facevae.classifier import FaceClassifier, save_classifier

    torch.manual_seed(2)
    path = tmp_path_factory.mktemp("classifier") / "perceptual.safetensors"
    save_classifier(FaceClassifier(["Smiling", "Male"], 4), path)
    return path


@pytest.fixture
def x() -> Tensor:
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def make_model() -> FaceVAE:
    torch.manual_seed(0)
    return FaceVAE(FaceArchitecture("spatial", SIZE, latent_dim=32, width=8, sigma=0.2))


def make_module(classifier: Path, **settings: float):
    from facevae.perception import PerceptualModule

    torch.manual_seed(1)
    adversary = Adversary(width=4, classifier=str(classifier), **settings)
    module = PerceptualModule(make_model(), TrainingConfig(precision="32"), None, adversary)
    module.noise.begin(5, 0, torch.device("cpu"))
    return module


def test_distance_is_that_of_each_picture_alone_and_0_from_itself(
    classifier: Path, x: Tensor
) -> None:
    from facevae.classifier import load_classifier
    from facevae.distance import PerceptualDistance

    distance = PerceptualDistance(load_classifier(classifier)).train()
    assert not distance.training
    torch.testing.assert_close(distance(x, x), torch.zeros(4))
    found = distance(x, x.flip(0))
    assert bool((found > 0).all())
    torch.testing.assert_close(distance(x[1:2], x[2:3]), found[1:2], rtol=1e-4, atol=1e-6)


def test_every_stage_is_compared_whatever_the_number_of_blocks(x: Tensor) -> None:
    from facevae.classifier import FaceClassifier
    from facevae.distance import PerceptualDistance

    for blocks in (1, 2):
        features = PerceptualDistance(FaceClassifier(["Smiling"], 4, blocks)).features(x)
        assert [each.shape for each in features] == [
            (4, 4, 32, 32), (4, 8, 16, 16), (4, 16, 8, 8), (4, 16, 4, 4)
        ]  # fmt: skip


def test_with_weight_0_training_is_plain(classifier: Path, x: Tensor) -> None:
    module = make_module(classifier, begin_step=1, perceptual=0.0)
    module.training_step(x, 0).backward()
    plain = make_model()
    module.noise.begin(5, 0, torch.device("cpu"))
    plain.loss(x, 0, module.noise).loss.backward()
    for (name, mine), theirs in zip(
        module.model.named_parameters(), plain.parameters(), strict=True
    ):
        torch.testing.assert_close(
            mine.grad, theirs.grad, rtol=1e-3, atol=1e-3, msg=lambda text, name=name: name + text
        )


def test_the_weight_is_relative_and_the_classifier_stays_as_it_is(
    classifier: Path, x: Tensor
) -> None:
    module = make_module(classifier, perceptual=0.5)
    gradient = torch.randn(4, 3, SIZE, SIZE)
    perceptual, distance = module.perceptual_gradient(x, torch.rand_like(x), gradient)
    assert perceptual.norm() == pytest.approx(0.5 * float(gradient.norm()), rel=1e-3)
    assert distance > 0
    assert all(p.grad is None for p in module._distance[0].parameters())
    assert not any(name.startswith("_distance") for name in module.state_dict())


def test_before_the_critic_the_encoder_is_trained(classifier: Path, x: Tensor) -> None:
    module = make_module(classifier, begin_step=1, perceptual=1.0)
    module.training_step(x, 0).backward()
    assert all(p.grad is None for p in module.critic.parameters())
    assert all(p.grad is not None for p in module.model.parameters())
    assert "perceptual" in module._terms[0]
    assert "critic" not in module._terms[0]


def test_interpolations_reach_decoder_and_critic_with_the_encoder_frozen(
    classifier: Path, x: Tensor
) -> None:
    module = make_module(classifier, perceptual=1.0, interpolations=1.0, interpolated_share=0.5)
    posterior = DiagonalGaussian(torch.randn(4, 32), torch.ones(4, 32))
    found = module.decode_unpaired(posterior.sample(), posterior, 4)
    assert found.shape == (2, 3, SIZE, SIZE)
    module.training_step(x, 0).backward()
    assert all(p.grad is None for p in module.model.encoder.parameters())
    for part in (module.model.decoder, module.critic):
        assert all(p.grad.isfinite().all() for p in part.parameters())


def test_half_of_what_has_no_original_is_drawn_from_a_fitted_prior(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaecore.folder import write_tensors
    from vaecore.priors import GaussianMixture

    # All draws of this prior are one code.
    mean = torch.linspace(-1, 1, 32)
    prior = GaussianMixture(torch.ones(1), mean[None], torch.eye(32)[None] * 1e-3)
    write_tensors(tmp_path / "prior.safetensors", prior.state())
    drawn_from = str(tmp_path / "prior.safetensors")
    module = make_module(
        classifier, interpolations=1.0, interpolated_share=1.0, drawn_from=drawn_from
    )
    module.on_fit_start()
    seen: list[Tensor] = []
    monkeypatch.setattr(module.model.decoder, "forward", lambda z: seen.append(z) or z)
    posterior = DiagonalGaussian(torch.randn(6, 32) + 9, torch.ones(6, 32))
    module.decode_unpaired(posterior.sample(), posterior, 6)
    (codes,) = seen
    assert codes.shape == (6, 32)
    torch.testing.assert_close(codes[3:], mean.expand(3, 32), atol=0.02, rtol=0)
    assert bool((codes[:3] > 3).any())


def test_draws_are_made_anew_and_half_of_the_arcs_are_in_the_flow(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaecore.folder import write_tensors
    from vaecore.paths import slerp
    from vaecore.priors import Flow

    flow = Flow(32, width=32, blocks=1)
    for layer in (flow.network.blocks[0].outer, flow.network.last):  # else it is nearly linear
        torch.nn.init.normal_(layer.weight, std=0.3)
    write_tensors(tmp_path / "prior.safetensors", flow.state())
    module = make_module(
        classifier,
        interpolations=1.0,
        interpolated_share=1.0,
        anchor=1.0,
        drawn_from=str(tmp_path / "prior.safetensors"),
    )
    module.on_fit_start()
    assert not any("_prior" in name for name in module.state_dict())
    seen: list[Tensor] = []
    monkeypatch.setattr(module.model.decoder, "forward", lambda z: seen.append(z) or z)
    means = torch.randn(8, 32) * 3
    posterior = DiagonalGaussian(means, torch.full_like(means, 1e-6))
    module.decode_unpaired(means, posterior, 8)
    monkeypatch.setattr(type(module), "global_step", 64)
    module.decode_unpaired(means, posterior, 8)
    first, second = seen
    assert first.shape == (8, 32)
    assert not torch.isclose(first[4:, None], second[None, 4:]).all(-1).any()
    grid = torch.linspace(0.2, 0.8, 601)

    def distance(code: Tensor, a: Tensor, b: Tensor) -> float:
        return float((slerp(a.expand(601, 32), b, grid) - code).norm(dim=1).min())

    for row, code in enumerate(first[:4]):
        a, b = means[row], means[row - 1 if row else 3]
        bent = [flow.to_noise(end[None])[0] for end in (a, b)]
        in_noise = distance(flow.to_noise(code[None])[0], *bent)
        plain = distance(code, a, b)
        assert (in_noise < 0.1 < plain) if row % 2 == 0 else (plain < 0.1 < in_noise)


def test_short_codes_are_anchored_to_the_decoder_before_the_critic(
    classifier: Path, x: Tensor
) -> None:
    module = make_module(classifier, interpolations=1.0, anchor=2.0)
    module.training_step(x, 0).backward()
    decoder = module.model.decoder
    mine, before = decoder.state_dict(), module.decoder_before.state_dict()
    assert all(torch.equal(before[name], value) for name, value in mine.items())
    assert all(p.grad is None for p in module.decoder_before.parameters())
    assert any(name.startswith("decoder_before.") for name in module.state_dict())
    trained = {id(p) for group in module.parameter_groups() for p in group["params"]}
    assert not trained & {id(p) for p in module.decoder_before.parameters()}
    # It is 0 but for the constant of the density while the decoder is as before, then it grows.
    module._means = torch.randn(4, 32)
    torch.manual_seed(0)
    first = module._anchored(4).item()
    with torch.no_grad():
        decoder.network.last.weight.add_(0.1)
    module.adversary = replace(module.adversary, begin_step=9)  # copies no more at this step
    torch.manual_seed(0)
    assert module._anchored(4).item() > first + 1


def test_short_codes_are_shorter_than_those_of_faces(classifier: Path) -> None:
    module = make_module(classifier, interpolations=1.0, anchor=1.0)
    means = torch.randn(64, 32)
    lengths = module.short_codes(means).norm(dim=1)
    assert (lengths < means.norm(dim=1).max()).all()
    assert lengths.mean() < 0.75 * means.norm(dim=1).mean()
    seen: list[float] = []
    sample = lambda n, temperature: seen.append(temperature) or torch.zeros(n, 32)  # noqa: E731
    module._prior = (SimpleNamespace(sample=sample),)
    assert not module.short_codes(means)[::3].any()
    assert 0.2 <= seen[0] <= 0.8


def test_codes_for_the_critic_are_between_mean_and_draw(classifier: Path) -> None:
    module = make_module(classifier)
    posterior = DiagonalGaussian(torch.randn(4, 32), torch.ones(4, 32))
    codes = module.draw_codes(posterior)
    module.noise.begin(5, 0, torch.device("cpu"))
    drawn = module.model.objective.latent(posterior, module.noise)
    share = (codes - posterior.mean) / (drawn - posterior.mean)
    torch.testing.assert_close(share, share[:, :1].expand(4, 32), rtol=1e-2, atol=1e-3)
    assert bool(((share >= 0) & (share <= 1.001)).all())


def test_settings_and_a_classifier_that_is_missing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="interpolated_share must be above 0"):
        Adversary(interpolated_share=0.0)
    with pytest.raises(DataError, match="missing"):
        make_module(tmp_path / "none.safetensors", perceptual=1.0)


@pytest.mark.parametrize("sizes", [{"latent_dim": 40}, {"width": 6}])
def test_sizes_that_make_no_feature_map_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="spatial code of 16 positions"):
        FaceArchitecture("spatial", SIZE, **{"latent_dim": 32, "width": 8, **sizes}, sigma=0.2)


def test_a_code_is_flat_position_by_position() -> None:
    """The first numbers are decoded to the top left: groups of a flow are positions."""
    model = make_model().eval()
    codes = torch.zeros(2, 32)
    codes[1, :2] = 3.0  # two numbers for each of 4 x 4 positions
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            if not parameter.any():
                parameter.normal_(std=0.01)
        a, b = model.decoder(codes)
    change = (a - b).abs().mean(0)
    assert change[:16, :16].mean() > 2 * change[32:, 32:].mean()


def test_the_recipe_chooses_the_module(classifier: Path) -> None:
    from facevae.adversary import AdversarialModule
    from facevae.perception import PerceptualModule
    from facevae.presets import load_preset
    from facevae.train import FaceTask
    from vaecore.training.module import TrainingModule

    settings = {"faces_64": [f"adversary.classifier={classifier}"]}
    kinds = {
        "vanilla": TrainingModule,
        "faces_64_residual": AdversarialModule,
        "faces_64": PerceptualModule,
    }
    for name, kind in kinds.items():
        preset = load_preset(name, settings.get(name, []))
        make = FaceTask(preset, None).make_module()  # type: ignore[arg-type]
        module = make(make_model(), TrainingConfig(precision="32"), None)
        assert type(module) is kind
