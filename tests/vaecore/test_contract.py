"""A domain outside the packages inherits the contracts, with nothing but the fixture `under_test`.

And the contracts notice what breaks them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lines import LineVAE, make_domain, save_model
from torch import Tensor

from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.testing import FolderContract, LogitsContract, ModelUnderTest, SpaceContract


@pytest.fixture(scope="session")
def under_test(tmp_path_factory: pytest.TempPathFactory) -> ModelUnderTest:
    box = tmp_path_factory.mktemp("box")
    domain = make_domain(box)
    return ModelUnderTest(domain, save_model(domain, box / "plain"), discrete=False)


class TestSpace(SpaceContract):
    """Of lines of numbers."""


class TestFolder(FolderContract):
    """Of lines of numbers."""


class Careless(LineVAE):
    """Decodes the first row of a batch otherwise than the others."""

    def decode(self, z: Tensor, temperature: float = 0.0, seed: int = 0) -> Tensor:
        x = super().decode(z, temperature, seed)
        x[0] += 1
        return x


class Sharing(LineVAE):
    """Encodes an example otherwise in another batch."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        layer = self.encoder.layer
        layer.register_forward_hook(lambda layer, inputs, y: y + 1e-3 * inputs[0].mean())


def broken(under_test: ModelUnderTest, kind: type[LineVAE]) -> ModelUnderTest:
    def make_model(architecture: object, objective: Objective) -> VAE:
        return kind(under_test.space.model.architecture, objective)

    return replace(under_test, domain=replace(under_test.domain, make_model=make_model))


def test_a_decoder_that_depends_on_the_batch_is_noticed(under_test: ModelUnderTest) -> None:
    other = broken(under_test, Careless)
    with pytest.raises(AssertionError):
        SpaceContract().test_a_code_is_decoded_the_same_in_every_batch(
            other.space, other.codes, other.x
        )


def test_an_encoder_that_depends_on_the_batch_is_noticed(under_test: ModelUnderTest) -> None:
    other = broken(under_test, Sharing)
    with pytest.raises(AssertionError):
        SpaceContract().test_an_item_is_encoded_the_same_in_every_batch(other.space, other.x)


def test_a_model_that_ignores_its_codes_is_noticed(
    under_test: ModelUnderTest, tmp_path: Path
) -> None:
    space = under_test.load()
    with torch.no_grad():
        space.model.decoder.layer.weight.zero_()
    under_test.domain.save(tmp_path / "flat", space.model, space.config)
    other = replace(under_test, folder=tmp_path / "flat")
    with pytest.raises(AssertionError):
        SpaceContract().test_codes_make_a_difference(other.x, other.space)


class Categories(LineVAE):
    """Each of the numbers is one of three classes; the logits are affine in z."""

    right = True

    def logits(self, z: Tensor, x: Tensor) -> Tensor:
        place = torch.tensor([-1.0, 0.0, 1.0])
        return -(self.decoder.layer(z).unsqueeze(-1) - place).square()

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        chosen = self.logits(z, x).log_softmax(-1).gather(-1, x.long().unsqueeze(-1))
        return chosen.squeeze(-1).sum(1) + (0 if self.right else 1)

    def decode(self, z: Tensor, temperature: float = 0.0, seed: int = 0) -> Tensor:
        best = self.logits(z, z).argmax(-1)
        return best if self.right else 2 - best


class TestLogits(LogitsContract):
    """Of classes in place of numbers."""

    @pytest.fixture
    def under_test(self, under_test: ModelUnderTest) -> ModelUnderTest:
        return broken(under_test, Categories)

    def test_another_distribution_is_noticed(
        self, under_test: ModelUnderTest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        space, codes = under_test.space, under_test.codes
        monkeypatch.setattr(Categories, "right", False)
        x = space.decode_to_examples(codes)
        with pytest.raises(AssertionError):
            self.test_the_likelihood_is_that_of_the_logits(space, codes, x)
        with pytest.raises(AssertionError):
            self.test_greedy_decoding_follows_its_own_logits(space, codes, x)
