"""A whole domain in one file: lines of numbers, a linear model, recipes, a training and a command.

It has all that the core lets a domain fill in, so that the core is tested without a real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn

from vaecore import cli
from vaecore.cli import learn
from vaecore.codec import Codec
from vaecore.config import ModelConfig, build
from vaecore.distributions import DiagonalGaussian
from vaecore.domain import Domain
from vaecore.errors import DataError
from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.presets import Preset
from vaecore.priors import GaussianMixture
from vaecore.seeds import following, seeded
from vaecore.training import ranks
from vaecore.training.batches import Batches, Part
from vaecore.training.config import TrainingConfig
from vaecore.training.task import TrainingTask, Vectors

LENGTH = 8

PRESETS = """
small:
  description: eight numbers
  representation: {length: 8}
  architecture: {length: 8, latent_dim: 4}
  training: {batch_size: 16, max_steps: 6, validate_every: 3, accelerator: cpu, threads: 1}
flowing:
  description: eight numbers, and a flow as the prior
  representation: {length: 8}
  architecture: {length: 8, latent_dim: 4}
  training: {batch_size: 16, max_steps: 4, validate_every: 2, accelerator: cpu, threads: 1}
  prior: {steps: 5, width: 8, blocks: 1, batch_size: 16}
"""


@dataclass(frozen=True)
class Sizes:
    length: int = LENGTH
    latent_dim: int = 4

    def __post_init__(self) -> None:
        if self.latent_dim < 1:
            raise ValueError(f"latent_dim must be at least 1, got {self.latent_dim}")


class LineCodec(Codec[str]):
    """Numbers in a line of text, or the path of a text file that holds them."""

    suffixes = (".txt",)

    def __init__(self, length: int = LENGTH, name: str = "line") -> None:
        self.length, self.name = length, name

    @property
    def config(self) -> dict[str, Any]:
        return {"name": self.name, "length": self.length}

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)

    def check(self, model: Any) -> None:
        if model.architecture.length != self.length:
            raise ValueError(f"the model has {model.architecture.length} numbers")

    def encode(self, item: Any) -> Tensor:
        try:
            text = item.read_text() if isinstance(item, Path) else item
            x = torch.tensor([float(number) for number in text.split()])
        except ValueError as error:
            raise DataError("holds no numbers", path=item) from error
        if len(x) != self.length:
            raise DataError(f"has {len(x)} numbers, not {self.length}", path=str(item))
        return x

    def decode(self, x: Tensor, context: Any = None) -> str:
        return " ".join(map(str, x.tolist()))


class Encoder(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.layer = nn.Linear(sizes.length, 2 * sizes.latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.layer(x).chunk(2, dim=1)
        return mean, nn.functional.softplus(raw) + 1e-3


class Decoder(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.layer = nn.Linear(sizes.latent_dim, sizes.length)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        mean = self.layer(z)
        return DiagonalGaussian(mean, torch.ones_like(mean)).log_prob(x)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        mean = self.layer(z)
        rows = [seeded(following(1000 * seed, row)) for row in range(len(z))]
        noise = torch.stack([torch.randn(mean.shape[1], generator=each) for each in rows])
        return mean + temperature * noise


class LineVAE(VAE):
    def __init__(self, sizes: Sizes, objective: Objective | None = None) -> None:
        super().__init__(Encoder(sizes), Decoder(sizes), sizes.latent_dim, objective)
        self.architecture = sizes


def make_codec(config: Mapping[str, Any]) -> LineCodec:
    return LineCodec(**config)


def make_model(architecture: Mapping[str, Any], objective: Objective) -> LineVAE:
    return LineVAE(build(Sizes, architecture, "architecture"), objective)


def make_domain(box: Path) -> Domain:
    return Domain("lines", make_codec, make_model, box, threads=1, subject="lines")


def save_model(domain: Domain, folder: Path, representation: str = "line") -> Path:
    """Write a model whose codes make a difference, with attribute vectors and a prior."""
    torch.manual_seed(1)
    model = LineVAE(Sizes())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    dim = model.latent_dim
    prior = GaussianMixture(torch.ones(2), torch.randn(2, dim), torch.full((2, dim), 0.4))
    codec = LineCodec(name=representation)
    config = ModelConfig(domain.name, folder.name, codec.config, asdict(Sizes()), {}, "lines")
    config = replace(config, attributes={"up": {}, "all": {}})
    vectors = {"up": torch.eye(dim)[0], "all": torch.ones(dim)}
    domain.save(folder, model, config, attributes=vectors, prior=prior)
    return folder


class LinePreset(Preset):
    domain = make_domain(Path("nowhere"))


class LineBatches(Batches):
    def __init__(self, x: Tensor, *arguments: Any, **options: Any) -> None:
        super().__init__(len(x), *arguments, **options)
        self.x = x

    def batches(self, parts: Iterator[Part]) -> Iterator[Tensor]:
        for part in parts:
            yield self.x[torch.from_numpy(part.own)]


def lines(count: int, seed: int = 0) -> Tensor:
    """Return examples `(count, LENGTH)` of two causes: height and slope."""
    height, slope = torch.randn(2, count, 1, generator=torch.Generator().manual_seed(seed))
    return height + slope * torch.linspace(-1, 1, LENGTH)


class LineTask(TrainingTask):
    """A recipe on lines of numbers; the last ones are held out."""

    def __init__(self, domain: Domain, preset: LinePreset, x: Tensor) -> None:
        super().__init__(domain, preset)
        self.x, self.held_out = x[:-16], x[-16:]
        self.closed = False

    @property
    def command(self) -> str:
        return "lines train DATA"

    def facts(self) -> dict[str, Any]:
        return {"lines": len(self.x), "sources": ["numbers.txt"]}

    def loaders(self, config: TrainingConfig) -> tuple[LineBatches, LineBatches]:
        options = {"seed": config.seed, "accumulate": config.accumulate, "ranks": ranks.here()}
        return (
            LineBatches(self.x, config.batch_size, training=True, **options),
            LineBatches(self.held_out, config.batch_size, training=False),
        )

    def measure(self, model: VAE, x: Tensor) -> dict[str, Any]:
        z = model.encode(x).mean
        return {"examples": len(x), "error": (model.decode(z) - x).square().mean()}

    def encode(self, space: Any) -> DiagonalGaussian:
        self.codes = space.posterior_of(self.x)
        return self.codes

    def vectors(self, space: Any) -> Vectors:
        high = self.x.mean(1) > 0
        vector = self.codes.mean[high].mean(0) - self.codes.mean[~high].mean(0)
        about = {"description": "higher", "unit": "high against low"}
        return Vectors({"height": vector}, {"height": about, "slope": {}})

    def close(self) -> None:
        self.closed = True


class LinePresentation(cli.Presentation):
    reads = suffixes = (".txt",)
    outputs: Mapping[str, str] = dict.fromkeys(
        ("interpolate", "palette", "sample", "reconstruct", "edit", "similar"), "lines.out.txt"
    )

    def choose_model(self, inputs: Sequence[cli.Input], options: Any) -> cli.Choice:
        return cli.Choice("plain", "the only one")

    def sources(self, codec: Any, inputs: Any, options: Any) -> list[list[cli.Source]]:
        return [[cli.Source(codec.read(each.path).first, each) for each in inputs]]

    def write(self, result: cli.Result, outputs: Any, options: Any) -> cli.Written:
        text = "\n".join(result.items)
        outputs.add(outputs.main).write_text(text)
        return cli.Written(f"{len(result.items)} lines", {"lines": len(result.items)}, "look at it")


def make_command(domain: Domain) -> cli.Group:
    """Return the command `lines`, with a verb `train` that takes a file of lines."""
    from vaecore.training import pipeline

    group = cli.build(LinePresentation(domain), help="Lines.")

    class Shipped(LinePreset):
        shipped = domain.box / "presets.yaml"

    @group.command()
    @click.argument("data", type=click.Path(path_type=Path))
    @learn.training_options("A recipe.")
    def train(request: learn.TrainingRequest, data: Path) -> None:
        """Train on a file with an example in each line."""
        learn.need(*learn.NEEDED)
        rows = [LineCodec().encode(line) for line in data.read_text().splitlines()]
        preset = request.recipe(Shipped)
        place = request.place(preset)
        request.begin(preset, f"{len(rows)} lines")
        trained = pipeline.train(
            LineTask(domain, preset, torch.stack(rows)),
            place,
            **request.options,
        )
        request.end("lines", preset, place, trained.result, attributes=trained.attributes)

    return group
