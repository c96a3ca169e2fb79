"""Comparison of an exported model with the model in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaecore.export.graphs import control_of
from vaecore.seeds import seeded

if TYPE_CHECKING:
    from vaecore.space import LatentSpace

AT_ONCE = 50
"""Codes that a file computes together."""
LARGEST = 1e-4
"""Largest difference of logits, means and standard deviations."""
VALUES = 5e-4
"""Largest difference of pixels (0 to 1), velocities and timing: below a picture's and a MIDI file's
resolution."""
_LARGE = 100.0
"""Numbers above this have a coarser resolution in 32 bits; limits grow in proportion to them."""
OTHER = 1e-3
"""Examples of real numbers that differ by more than this count as different."""
_TIES = 50
"""One of so many examples may differ, as either of two equally likely classes may be chosen."""

_NUMBERS = ("logits", "values", "mean", "stddev")

Function = Callable[..., list[np.ndarray]]
"""A graph in a file as a function from its inputs to its outputs."""


@dataclass(frozen=True)
class Differences:
    """Differences between a file and the model in Python.

    Attributes:
        codes: Number of codes that were decoded.
        greedy: Number of codes that are decoded to another example at temperature 0.
        drawn: Number of codes that are decoded to another example at temperature 1 with the same
            noise; None where nothing is drawn.
        logits: Largest difference of a finite logit from the teacher-forced one; None without.
        values: Largest difference of real numbers, such as pixels, of equal examples; None for
            class indices.
        mean: Largest difference of a posterior mean.
        stddev: Largest difference of a posterior standard deviation.
        prior: Largest difference of a code drawn from the prior; None without a fitted prior.
        largest: For each of these, Python's largest number if it is above 100; the limit grows in
            proportion.
    """

    codes: int
    greedy: int
    drawn: int | None
    logits: float | None
    values: float | None
    mean: float
    stddev: float
    prior: float | None
    largest: Mapping[str, float] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """The first difference that is too large, in words; empty if there is none."""
        for name in ("greedy", "drawn"):
            count = getattr(self, name) or 0
            if count > 1 + self.codes // _TIES:
                return f"{count} of {self.codes} examples ({name}) are not those of Python"
        for name in _NUMBERS:
            value, limit = getattr(self, name), self.limit(name)
            if value is not None and not value <= limit:
                return f"{name} differ from those of Python by {value:.1e}, more than {limit:.0e}"
        return ""

    def limit(self, name: str) -> float:
        """Return the largest allowed difference of one of `logits`, `values`, `mean`, `stddev`."""
        return (VALUES if name == "values" else LARGEST) * self.largest.get(name, _LARGE) / _LARGE


def compare(
    space: LatentSpace[Any], functions: Mapping[str, Function], codes: int, seed: int = 0
) -> Differences:
    """Return the differences between the functions of a file and a model.

    Args:
        space: The model.
        functions: The functions by role: "decoder", "encoder" and, if there is one, "prior".
        codes: Number of codes that are drawn from the prior and decoded; the decoded examples are
            encoded.
        seed: Seed of the codes, and of the noise for decoding.
    """
    model = space.model
    decoder: Any = model.decoder
    largest: dict[str, float] = {}

    def differ(name: str, theirs: Tensor, own: Tensor) -> float:
        finite = own[own.isfinite()]
        most = float(finite.abs().max()) if finite.numel() else 0.0
        if most > _LARGE:
            largest[name] = most
        return _largest(theirs, own)

    z = space.sample_codes(codes, seed)
    control = control_of(decoder, codes, seeded(seed))
    told = {} if control is None else {"control": control}
    with torch.no_grad():
        greedy = decoder.generate(z, 0.0, 0, **told)
        x, found, logits, drawn = greedy, None, None, None
        if model.draws and hasattr(decoder, "draw"):
            noise = torch.rand(codes, *decoder.noise_shape, generator=seeded(seed))
            found, theirs = _decoded(functions["decoder"], z, 0.0, noise, *told.values())
            logits = differ("logits", theirs, _logits(model, z, found, *told.values()))
            x = decoder.generate(z, 1.0, seed, **told)
            own, _ = _decoded(functions["decoder"], z, 1.0, noise, *told.values())
            drawn = int(_others(own, x).sum())
        else:
            (found,) = _applied(functions["decoder"], z)
        same = ~_others(found, greedy)
        values = None
        if greedy.is_floating_point():
            values = differ("values", found[same], greedy[same])
        posterior = space.posterior_of(x, refine=False)
        mean, stddev = _applied(functions["encoder"], x)
    prior = None
    if "prior" in functions and space.prior is not None:
        generator = seeded(seed)
        given = torch.randn(z.shape, generator=generator), torch.rand(len(z), generator=generator)
        prior = _largest(_applied(functions["prior"], *given)[0], space.prior.draw(*given)[0])
    return Differences(
        codes,
        int((~same).sum()),
        drawn,
        logits,
        values,
        differ("mean", mean, posterior.mean),
        differ("stddev", stddev, posterior.stddev),
        prior,
        largest,
    )


def _applied(function: Function, *inputs: Tensor) -> list[Tensor]:
    """Return the outputs of a function for many rows, `AT_ONCE` at a time."""
    rows = zip(*(each.split(AT_ONCE) for each in inputs), strict=True)
    parts = [function(*(part.numpy() for part in row)) for row in rows]
    return [torch.from_numpy(np.concatenate(each)) for each in zip(*parts, strict=True)]


def _decoded(
    function: Function, z: Tensor, temperature: float, *others: Tensor
) -> tuple[Tensor, Tensor]:
    """Return examples and logits for codes, noise, and the decoder's further inputs."""
    warmth = np.array(temperature, np.float32)

    def decode(z: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
        return function(z, warmth, *others)

    x, logits = _applied(decode, z, *others)
    return x, logits


def _logits(model: Any, *given: Tensor) -> Tensor:
    """Return teacher-forced logits for codes, examples, and the decoder's further input."""
    rows = zip(*(each.split(AT_ONCE) for each in given), strict=True)
    return torch.cat([model.logits(*each) for each in rows])


def _others(x: Tensor, y: Tensor) -> Tensor:
    """Return which examples differ, `(n,)`."""
    if not x.is_floating_point():
        return (x != y).flatten(1).any(1)
    return ((x - y).abs() > OTHER).flatten(1).any(1)


def _largest(x: Tensor, y: Tensor) -> float:
    """Return the largest difference; equal infinities differ by 0."""
    differences = torch.where(x == y, 0, (x - y).abs())
    return float(differences.max()) if differences.numel() else 0.0
