"""The functions of a model that are exported, with their inputs and outputs."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vaecore.priors import Prior
from vaecore.space import LatentSpace

ROWS = 3
"""Rows of the example inputs of an export; the exported function takes any number."""
BATCH = "n"
"""Name of the dimension of rows."""


@dataclass(frozen=True)
class Port:
    """An input or an output.

    Attributes:
        name: Its name in files.
        shape: Its shape; `BATCH` stands for any number of rows.
        dtype: "float32", "int64" or another name of a NumPy type.
        about: Its meaning, for the JSON beside the files.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    about: str


@dataclass(frozen=True, eq=False)
class Graph:
    """A function that is exported.

    Attributes:
        role: "decoder", "encoder" or "prior".
        method: Its name in a TorchScript file.
        module: The module that computes it.
        example: Example inputs with `ROWS` rows.
        inputs: Its inputs.
        outputs: Its outputs.
    """

    role: str
    method: str
    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class _Encode(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, stddev = self.network(x)
        return mean, stddev


class _Draw(_Encode):
    def forward(  # type: ignore[override]
        self, z: Tensor, temperature: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        x, logits = self.network.draw(z, temperature, noise)
        return x, logits


class _DrawControlled(_Encode):
    def forward(  # type: ignore[override]
        self, z: Tensor, temperature: Tensor, noise: Tensor, control: Tensor
    ) -> tuple[Tensor, Tensor]:
        x, logits = self.network.draw(z, temperature, noise, control)
        return x, logits


class _Decode(_Encode):
    def forward(self, z: Tensor) -> Tensor:  # type: ignore[override]
        x: Tensor = self.network.generate(z, 0.0, 0)
        return x


class _Sample(nn.Module):
    def __init__(self, prior: Prior) -> None:
        super().__init__()
        self.prior = prior

    def forward(self, noise: Tensor, choice: Tensor) -> tuple[Tensor, ...]:
        return self.prior.draw(noise, choice)


def graphs_of(space: LatentSpace[Any]) -> list[Graph]:
    """Return the graphs of a model: decoder, encoder, and the fitted prior if there is one."""
    model = deepcopy(space.model).cpu().eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(ROWS, model.latent_dim, generator=generator)
    x = model.decode(z)
    decoder: Any = model.decoder
    code = Port("z", (BATCH, model.latent_dim), "float32", "codes")
    example = _port("x", x, "examples, see example")
    found = []
    if hasattr(decoder, "draw"):
        noise = torch.rand(ROWS, *decoder.noise_shape, generator=generator)
        control = control_of(decoder, ROWS, generator)
        told = () if control is None else (control,)
        given = (z, torch.tensor(1.0), noise, *told)
        _, logits = decoder.draw(*given)
        inputs = (
            code,
            Port("temperature", (), "float32", "0: the most likely example; 1: a draw from p(x|z)"),
            _port("noise", noise, "uniform numbers in [0, 1); at temperature 0 of no effect"),
            *(_port("control", each, "1 where there is a hit, 0 elsewhere") for each in told),
        )
        outputs = (example, _port("logits", logits, "of what was chosen from at each step"))
        draw = _DrawControlled(decoder) if told else _Draw(decoder)
        found.append(Graph("decoder", "decode", draw, given, inputs, outputs))
    else:
        found.append(Graph("decoder", "decode", _Decode(decoder), (z,), (code,), (example,)))
    posterior = (
        Port("mean", code.shape, "float32", "means of q(z|x), the codes of the examples"),
        Port("stddev", code.shape, "float32", "standard deviations of q(z|x)"),
    )
    found.append(Graph("encoder", "encode", _Encode(model.encoder), (x,), (example,), posterior))
    if space.prior is not None:
        found.append(_prior(deepcopy(space.prior), code))
    return found


def control_of(decoder: Any, rows: int, generator: torch.Generator) -> Tensor | None:
    """Return a random control input of a decoder, or None if it has none."""
    shape = getattr(decoder, "control_shape", None)
    if shape is None:
        return None
    return (torch.rand(rows, *shape, generator=generator) < 0.25).float()


def _prior(prior: Prior, code: Port) -> Graph:
    if isinstance(prior, nn.Module):
        prior.requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(ROWS, prior.latent_dim, generator=generator)
    given = (noise, torch.rand(ROWS, generator=generator))
    _, *condition = prior.draw(*given)
    inputs = (
        Port("noise", code.shape, "float32", "of a standard normal distribution"),
        Port("choice", (BATCH,), "float32", "uniform numbers in [0, 1); see prior"),
    )
    parts = "relations of the parts of what is drawn: bit 0 of [i, j] is set where they are equal"
    outputs = (code, *(_port("condition", each, parts) for each in condition))
    return Graph("prior", "sample", _Sample(prior), given, inputs, outputs)


def _port(name: str, tensor: Tensor, about: str) -> Port:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return Port(name, (BATCH, *tensor.shape[1:]), dtype, about)
