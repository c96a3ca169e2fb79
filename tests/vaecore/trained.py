"""A small VAE and its trainings, for the tests of the trainer."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from vaecore.model import VAE
from vaecore.training.batches import Batches
from vaecore.training.config import TrainingConfig

DATA_DIM = 6


class Encoder(nn.Module):
    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(DATA_DIM, 16), nn.Tanh(), nn.Dropout(dropout))
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.head(self.body(x)).chunk(2, dim=1)
        return mean, nn.functional.softplus(raw)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, DATA_DIM)
        self.dtypes: set[torch.dtype] = set()

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        y = self.body(z)
        self.dtypes |= {y.dtype} if self.training else set()
        return -10 * ((x - y.float()) ** 2).sum(dim=1)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        return self.body(z)


class Loader:
    """Batches that depend on epoch and position alone, with a state, as a domain's loader."""

    def __init__(self, batches: int = 7, fixed: bool = False) -> None:
        self.batches, self.fixed = batches, fixed
        self.epoch, self.position, self.begun = 0, 0, False

    def __len__(self) -> int:
        return self.batches

    def __iter__(self):
        if self.begun:
            self.epoch, self.position = self.epoch + 1, 0
        self.begun = True
        while self.position < self.batches:
            self.position += 1
            seed = self.position if self.fixed else 1000 * self.epoch + self.position
            generator = torch.Generator().manual_seed(seed)
            z = torch.randn(16, 2, generator=generator)
            yield torch.cat([z, z * 2, -z], dim=1)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        self.begun = self.position >= self.batches


class Rows(Batches):
    """Batches of fixed examples, divided as the trainer wants it."""

    def __init__(self, batch_size: int, accumulate: int = 1) -> None:
        super().__init__(112, batch_size, training=True, accumulate=accumulate)
        z = torch.randn(self.count, 2, generator=torch.Generator().manual_seed(0))
        self.x = torch.cat([z, z * 2, -z], dim=1)

    def batches(self, parts):
        for part in parts:
            yield self.x[part.own]


def make_model(dropout: float = 0.1) -> VAE:
    torch.manual_seed(0)
    return VAE(Encoder(dropout), Decoder(), 2)


def train(output: Path, model: VAE | None = None, *, train_loader=None, resume=None, **options):
    from vaecore.training import fit

    settings = {"max_steps": 20, "validate_every": 5, "accelerator": "cpu", "precision": "32"}
    extra = {
        name: options.pop(name)
        for name in ("metrics", "save", "callbacks", "pictures", "logger")
        if name in options
    }
    config = TrainingConfig(**settings | options)
    model = model or make_model()
    result = fit(
        model,
        train_loader or Loader(),
        Loader(2, fixed=True),
        config,
        output,
        progress=False,
        resume=resume,
        **extra,
    )
    return model, result


def losses(output: Path, tag: str = "train/loss") -> dict[int, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(output / "logs"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars(tag)}
