"""A model that draws another's pictures at twice their size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_files import save_drawn
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

import facevae
from facevae.codec import FaceCodec
from facevae.data.parts import Data
from facevae.domain import DOMAIN
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.critic import Critic
from facevae.networks.enlarging import fine_detail, halved
from facevae.networks.model import FaceVAE
from facevae.presets import Preset
from vaecore.config import ModelConfig
from vaecore.distributions import DiagonalGaussian
from vaecore.errors import DataError
from vaecore.priors import fit_prior

SMALL = {"kind": "spatial", "size": 16, "latent_dim": 8, "width": 8, "sigma": 0.2}
LARGE = {**SMALL, "size": 32, "enlarged": 2}


def smooth(size: int) -> Tensor:
    """Return pictures `(4, 3, size, size)` without fine detail."""
    torch.manual_seed(2)
    return F.interpolate(torch.rand(4, 3, 4, 4), size=(size, size), mode="bicubic").clamp(0, 1)


def test_pictures_are_halved_as_pillow_halves_them() -> None:
    image = Image.effect_noise((64, 64), 60).convert("RGB")
    theirs = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC), dtype=np.float32)
    ours = halved(torch.from_numpy(np.array(image)).permute(2, 0, 1).float()[None])[0]
    difference = (ours.clamp(0, 255).permute(1, 2, 0) - torch.from_numpy(theirs)).abs()
    assert difference[2:-2, 2:-2].max() <= 1  # rounded twice there
    assert difference.mean() < 1.5  # at the edges the last pixel is repeated


def test_an_untrained_last_stage_enlarges_bilinearly() -> None:
    model = FaceVAE(FaceArchitecture(**LARGE)).eval()
    stage = model.decoder.network.enlarger
    torch.nn.init.zeros_(stage.drawn.weight)
    picture = smooth(16)
    with torch.no_grad():
        ours = stage(picture, torch.zeros(4, 8, 8, 8))
    theirs = F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], theirs[..., 1:-1, 1:-1])


def test_fine_detail_is_what_a_smaller_picture_lacks() -> None:
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    assert fine_detail(ramp)[..., 6:-6].abs().max() < 1e-5
    stripes = (torch.arange(32) % 2).float().expand(1, 3, 32, 32)  # one pixel wide
    assert fine_detail(stripes)[..., 4:-4].abs().min() > 0.4


def test_a_critic_of_both_sees_the_picture_and_its_detail() -> None:
    torch.manual_seed(1)
    critic, x = Critic(32, 4, sees="both").eval(), torch.rand(2, 3, 32, 32)
    first = critic.stages[0][0]
    assert first.in_channels == 24
    with torch.no_grad():
        scores = critic(x)[0]
        first.weight[:, 12:] = 0  # then it sees the picture alone
        blind = critic(x)[0]
        alone = Critic(32, 4).eval()
        alone.load_state_dict(
            {
                k: v[:, :12] if k == "stages.0.0.weight" else v
                for k, v in critic.state_dict().items()
            }
        )
        torch.testing.assert_close(alone(x)[0], blind)
    assert (scores - blind).abs().max() > 1e-3


def test_a_critic_of_details_does_not_see_the_rest() -> None:
    torch.manual_seed(1)
    x = torch.rand(2, 3, 32, 32)
    for patches, parts in ((True, 4), (False, 1)):
        critic = Critic(32, 4, patches, sees="detail").eval()
        with torch.no_grad():
            scores, features = critic(x)
            brighter, _ = critic(x + 0.2)
        assert scores.shape == (2, parts)
        assert [each.shape[2] for each in features] == [16, 8, 4, 2]
        torch.testing.assert_close(scores, brighter, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"enlarged": 3}, "enlarged must be 1 or 2"),
        ({"enlarged": True}, "enlarged must be 1 or 2"),
        ({"kind": "residual"}, "only spatial networks can be enlarged"),
        ({"size": 48}, "half of their size must be a multiple of 16"),
    ],
)
def test_what_cannot_be_enlarged_is_refused(changed: dict, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        FaceArchitecture(**{**LARGE, **changed})


@pytest.fixture(scope="module")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with a prior, an attribute and what is said about it."""
    place = tmp_path_factory.mktemp("models") / "smaller"
    torch.manual_seed(3)
    model = FaceVAE(FaceArchitecture(**SMALL))
    codes = DiagonalGaussian(torch.randn(64, 8), torch.ones(64, 8))
    about = {"Grin": {"description": "grinning"}}
    config = ModelConfig(
        "facevae", "smaller", FaceCodec(16).config, SMALL, model.objective.config, attributes=about
    )
    vectors = {"Grin": torch.ones(8)}
    DOMAIN.save(place, model, config, vectors, prior=fit_prior(codes, {}, 2))
    return place


@pytest.fixture(scope="module")
def recipe(smaller: Path) -> Preset:
    return Preset(
        "larger",
        {"name": "faces", "size": 32},
        LARGE,
        enlarges=str(smaller),
        adversary={
            "interpolations": 1.0, "patches": True, "sees": "detail", "smoothness": 1.0, "width": 2
        },
        training={
            "batch_size": 8, "max_steps": 3, "validate_every": 3, "accelerator": "cpu", "seed": 1,
            "ema_decay": 0.5,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    save_drawn(root, 60)
    return root


@pytest.fixture(scope="module")
def larger(recipe: Preset, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    training = pytest.importorskip("facevae.train")
    place = tmp_path_factory.mktemp("runs") / "larger"
    training.train(recipe, Data.of(images, recipe.make_codec()), place, progress=False, workers=0)
    return place


def test_only_the_last_stage_is_trained(smaller: Path, larger: Path) -> None:
    before = facevae.load(smaller).model.state_dict()
    after = facevae.load(larger).model.state_dict()
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    torch.manual_seed(1)
    begun = FaceVAE(FaceArchitecture(**LARGE)).state_dict()
    last = after.keys() - before.keys()
    assert last
    assert any(not torch.allclose(after[name], begun[name], atol=1e-3) for name in last)


def test_codes_prior_and_vectors_are_those_of_the_smaller_model(
    smaller: Path, larger: Path
) -> None:
    ours, theirs = facevae.load(larger), facevae.load(smaller)
    picture = smooth(32)
    small = halved(picture)
    with torch.no_grad():
        found, expected = ours.model.encode(picture), theirs.model.encode(small)
    torch.testing.assert_close(found.mean, expected.mean, rtol=1e-4, atol=1e-4)
    assert torch.equal(ours.attributes["Grin"], theirs.attributes["Grin"])
    assert ours.config.attributes == theirs.config.attributes
    assert torch.equal(ours.sample_codes(3, seed=1), theirs.sample_codes(3, seed=1))
    assert ours.decode(ours.sample_codes(1, seed=1))[0].size == (32, 32)


def test_a_resumed_training_keeps_the_smaller_model(
    recipe: Preset, images: Path, smaller: Path, tmp_path: Path
) -> None:
    training = pytest.importorskip("facevae.train")
    data, place = Data.of(images, recipe.make_codec()), tmp_path / "run"
    training.train(recipe, data, place, progress=False, workers=0)
    longer = replace(recipe, training={**recipe.training, "max_steps": 6})
    training.train(longer, data, place, resume=True, progress=False, workers=0)
    after = facevae.load(place).model.state_dict()
    for name, value in facevae.load(smaller).model.state_dict().items():
        assert torch.equal(after[name], value), name


def test_a_smaller_model_of_another_shape_is_refused(
    recipe: Preset, images: Path, tmp_path: Path
) -> None:
    training = pytest.importorskip("facevae.train")
    other = replace(recipe, architecture={**LARGE, "width": 12})
    data = Data.of(images, recipe.make_codec())
    with pytest.raises(DataError, match="is not the smaller model of this recipe"):
        training.train(other, data, tmp_path / "no", progress=False, workers=0)
    assert not (tmp_path / "no").exists()
