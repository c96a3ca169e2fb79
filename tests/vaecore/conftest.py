"""A domain of points: its networks are affine maps known in advance, so all results are, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from vaecore.codec import Codec, Examples
from vaecore.config import ModelConfig
from vaecore.distributions import DiagonalGaussian
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.space import LatentSpace

SCALE, STDDEV = 2.0, 0.5


class Point(NamedTuple):
    """An item: coordinates, and a colour that is no part of the example."""

    x: list[float]
    colour: float | None = None


class PointCodec(Codec[Point]):
    """Points, or strings of numbers; a string with semicolons holds several examples."""

    def __init__(self, length: int) -> None:
        self.length = length

    @property
    def config(self) -> dict[str, Any]:
        return {"length": self.length}

    def encode(self, item: Any) -> Tensor:
        return self.read(item).first.x

    def read(self, item: Any) -> Examples:
        texts = item.split(";") if isinstance(item, str) else None
        rows = [[float(x) for x in t.split()] for t in texts] if texts else [item.x]
        if any(len(row) != self.length for row in rows):
            raise DataError(f"is no point of {self.length} numbers", path=str(item))
        colour = item.colour if isinstance(item, Point) else None
        return Examples(torch.tensor(rows), [colour] * len(rows))

    def decode(self, x: Tensor, context: float | None = None) -> Point:
        return Point(x.tolist(), context)

    def blend(self, contexts: Any, weights: Any) -> float:
        return sum(c * w for c, w in zip(contexts, weights, strict=True))


class Halves(nn.Module):
    """q(z|x) = N(x / SCALE, STDDEV^2)."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((length,), SCALE))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x / self.scale, torch.full_like(x, STDDEV)


class Doubles(nn.Module):
    """p(x|z) = N(SCALE z, 1): its mode, or a draw."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((length,), SCALE))

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        mean = z * self.scale
        return DiagonalGaussian(mean, torch.ones_like(mean)).log_prob(x)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        rows = [torch.Generator().manual_seed(1000 * seed + row) for row in range(len(z))]
        noise = torch.stack([torch.randn(z.shape[1], generator=g) for g in rows])
        return z * self.scale + temperature * noise


def make_codec(config: dict[str, Any]) -> PointCodec:
    if "kind" in config:
        raise DataError(f"unknown representation {config['kind']!r}", remedy="choose points")
    return PointCodec(config["length"])


def make_model(architecture: dict[str, Any], objective: Any = None) -> VAE:
    if set(architecture) != {"length"}:
        raise ValueError(f"unknown keys in {sorted(architecture)}")
    length = architecture["length"]
    return VAE(Halves(length), Doubles(length), length, objective)


@pytest.fixture
def points(tmp_path: Path) -> Domain:
    """The domain of points, with an empty box."""
    return Domain("points", make_codec, make_model, tmp_path / "box")


@pytest.fixture
def point_model() -> VAE:
    """A model of points in the plane: z = x / 2, x = 2 z."""
    return make_model({"length": 2})


@pytest.fixture
def point_config() -> ModelConfig:
    """What the folder of such a model says."""
    return ModelConfig(
        domain="points",
        name="plane",
        representation={"length": 2},
        architecture={"length": 2},
        objective={},
        description="points in the plane",
    )


@pytest.fixture
def space(points: Domain, point_model: VAE, point_config: ModelConfig) -> LatentSpace:
    """A latent space over points in the plane, with vectors that lead right and up."""
    vectors = {"right": torch.tensor([1.0, 0.0]), "up": torch.tensor([0.0, 1.0])}
    codec = points.make_codec({"length": 2})
    return LatentSpace(point_model, codec, attributes=vectors, config=point_config)


@pytest.fixture
def point(space: LatentSpace):
    """Makes an item of coordinates, with a colour or without."""
    return lambda x, y, colour=None: space.codec.decode(torch.tensor([x, y]), colour)
