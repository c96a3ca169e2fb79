"""A model folder under test, with codes and examples that tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vaecore.codec import Codec
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.space import LatentSpace


class PlainCodec(Codec[Tensor]):
    """A codec whose items are the examples themselves."""

    config: Mapping[str, Any] = {}

    def encode(self, item: Any) -> Tensor:
        """Return the item."""
        example: Tensor = item
        return example

    def decode(self, x: Tensor, context: Any = None) -> Tensor:
        """Return the example."""
        return x


class PickyCodec(PlainCodec):
    """Counts about half of all examples as poor, by a hash of their numbers."""

    def poor(self, x: Tensor) -> Tensor:
        rows = x.flatten(1).double()
        return (rows @ torch.arange(1, rows.shape[1] + 1).double().sqrt()) % 1 < 0.5


@dataclass(frozen=True)
class ModelUnderTest:
    """A model folder under test; its codes and examples are made once, and no test changes them.

    Different codes must decode differently; an untrained network may need larger weights for that.

    Args:
        domain: The domain of the model.
        folder: The model folder, with attribute vectors and a fitted prior.
        draws: Whether the decoder is random at a temperature above 0.
        discrete: Whether examples are discrete, so that likelihoods are probabilities.
        examples: Number of codes to test with, at least 32; fewer than 64 for a slow model.
    """

    domain: Domain
    folder: Path
    draws: bool = True
    discrete: bool = True
    examples: int = 64

    def load(self, folder: Path | None = None) -> LatentSpace[Any]:
        """Load the model anew, or a copy of it in another folder."""
        return self.domain.load(folder or self.folder)

    @cached_property
    def space(self) -> LatentSpace[Any]:
        """Its latent space."""
        return self.load()

    @cached_property
    def codes(self) -> Tensor:
        """Codes from N(0, I), `(examples, latent_dim)`."""
        return self.space.sample_codes(self.examples, seed=1, prior="normal")

    @cached_property
    def x(self) -> Tensor:
        """The decoded examples of those codes, `(examples, ...)`."""
        return self.space.decode_to_examples(self.codes)

    @cached_property
    def bare(self) -> LatentSpace[Tensor]:
        """The space over examples in place of items, so that results can be compared exactly."""
        space = self.space
        return LatentSpace(
            space.model,
            PlainCodec(),
            attributes=space.attributes,
            prior=space.prior,
            directions=space.directions,
            config=space.config,
        )

    @cached_property
    def items(self) -> list[Any]:
        """Items in memory that the codec can read, from decoded examples; at most 32."""
        made = []
        for item in map(self.space.codec.decode, self.x[:32]):
            try:
                self.space.codec.encode(item)
            except DataError:  # one without content, for example
                continue
            made.append(item)
        assert len(made) > 10
        return made


class Fixtures:
    """The fixtures of all contracts. A subclass, its module or a conftest defines `under_test`.

    A subclass may override others, for example `items`.
    """

    @pytest.fixture
    def space(self, under_test: ModelUnderTest) -> LatentSpace[Any]:
        """The latent space; tests do not change it."""
        return under_test.space

    @pytest.fixture
    def codes(self, under_test: ModelUnderTest) -> Tensor:
        """Codes from N(0, I)."""
        return under_test.codes

    @pytest.fixture
    def x(self, under_test: ModelUnderTest) -> Tensor:
        """Examples, decoded from those codes."""
        return under_test.x

    @pytest.fixture
    def bare(self, under_test: ModelUnderTest) -> LatentSpace[Tensor]:
        """The space over examples in place of items."""
        return under_test.bare

    @pytest.fixture
    def items(self, under_test: ModelUnderTest) -> list[Any]:
        """Items in memory that the codec can read, more than ten."""
        return under_test.items
