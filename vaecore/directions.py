"""Attribute directions that depend on the code: a small network in place of one vector for all.

An attribute vector adds the same to every code, so a smooth decoder makes nearly the same change
to every picture. But glasses belong where a face has its eyes, and a face that smiles needs no
smile. `Directions` computes for each code the step that adds an attribute, and the step that takes
it away: the attribute's vector, plus a correction by a network that sees the code (conditional
steps in a latent space: Abdal et al., StyleFlow, 2021; Patashnik et al., StyleCLIP, 2021).

The steps of all attributes are computed at once, and an edit is z + amount * step. A domain trains
them; see `facevae.directions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaecore.folder import LONGEST_NAME, MOST_VECTORS, Fits, fits_model
from vaecore.tensor_header import Declared

ADDED, TAKEN = "added.", "taken."
"""Prefixes of tensor names in a file: steps that add an attribute, and that take it away."""
WIDEST, DEEPEST = 1024, 16
"""Largest width and number of blocks that are read from a file."""
SLOPE = 0.2
"""Slope of the leaky rectifiers for negative numbers."""


class Sizes(NamedTuple):
    """The arguments of `Directions`."""

    names: tuple[str, ...]
    latent_dim: int
    positions: int
    width: int
    blocks: int


class Directions(nn.Module):
    """Steps that add attributes to codes, and that take them away.

    A code is read as positions of equally many dimensions. Blocks mix positions and features in
    turn (Tolstikhin et al., MLP-Mixer, 2021).

    Args:
        names: The attributes; they are kept in alphabetical order.
        latent_dim: Number of latent dimensions.
        positions: Parts of a code, of equally many dimensions; 1 where codes are not spatial.
        width: Features of a position.
        blocks: How many times the positions and the features are mixed.

    Raises:
        ValueError: The positions do not divide the code.
    """

    def __init__(
        self,
        names: Sequence[str],
        latent_dim: int,
        positions: int = 1,
        width: int = 192,
        blocks: int = 4,
    ) -> None:
        super().__init__()
        if latent_dim % positions:
            raise ValueError(f"{latent_dim} dimensions are not of {positions} positions")
        self.names = tuple(sorted(names))
        self.positions, share = positions, latent_dim // positions
        self.vectors = nn.Parameter(torch.zeros(2 * len(self.names), latent_dim))
        self.input = nn.Linear(share, width)
        # Not normal: on the meta device torch would import its compiler for it, which takes 0.7 s.
        self.place = nn.Parameter(nn.init.uniform_(torch.empty(positions, width), -0.2, 0.2))
        self.blocks = nn.ModuleList(_Mixer(positions, width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, share * 2 * len(self.names))
        # Zero-initialised: before it is trained, each step is the attribute's vector.
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    @property
    def sizes(self) -> Sizes:
        """Its arguments."""
        latent_dim, width = self.vectors.shape[1], self.input.out_features
        return Sizes(self.names, latent_dim, self.positions, width, len(self.blocks))

    def start(self, added: Mapping[str, Tensor], taken: Mapping[str, Tensor]) -> None:
        """Set the vectors that the network corrects.

        Args:
            added: Steps that add each attribute, `(latent_dim,)`, by name.
            taken: Steps that take it away.
        """
        rows = [each[name] for name in self.names for each in (added, taken)]
        with torch.no_grad():
            self.vectors.copy_(torch.stack(rows))

    def forward(self, z: Tensor) -> Tensor:
        """Return all steps of codes.

        Args:
            z: `(n, latent_dim)`.

        Returns:
            `(n, 2 * attributes, latent_dim)`: in the order of `names`, for each attribute the step
            that adds it and the step that takes it away.
        """
        x = self.input(z.view(len(z), self.positions, -1)) + self.place
        for block in self.blocks:
            x = block(x)
        steps = self.output(self.norm(x)).view(len(z), self.positions, len(self.vectors), -1)
        found: Tensor = steps.transpose(1, 2).flatten(2) + self.vectors
        return found

    def change(self, z: Tensor, amounts: Mapping[str, float]) -> Tensor:
        """Return the sum of the steps that an edit adds to codes.

        Args:
            z: `(n, latent_dim)`.
            amounts: By name; 1 is the whole step, negative amounts take away.

        Returns:
            `(n, latent_dim)`.

        Raises:
            ValueError: A name is unknown.
        """
        weights = torch.zeros(len(self.vectors)).to(z)
        for name, amount in amounts.items():
            weights[2 * self.names.index(name) + (amount < 0)] = abs(amount)
        with torch.no_grad():
            return torch.einsum("k,nkd->nd", weights, self(z.to(self.vectors)).to(z))

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to store; `directions_from_state` reads them."""
        tensors = {k: v for k, v in self.state_dict().items() if k != "vectors"}
        for k, name in enumerate(self.names):
            tensors[ADDED + name], tensors[TAKEN + name] = self.vectors[2 * k : 2 * k + 2].detach()
        return tensors


class _Mixer(nn.Module):
    """Mixes positions, then features; zero-initialised, so that it begins as the identity."""

    def __init__(self, positions: int, width: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.across = nn.Linear(positions, 4 * positions)
        self.back = nn.Linear(4 * positions, positions)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for layer in (self.back, self.down):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return features `(n, positions, width)` of the same shape."""
        y = self.across(self.first_norm(x).transpose(1, 2))
        x = x + self.back(F.leaky_relu(y, SLOPE)).transpose(1, 2)
        mixed: Tensor = x + self.down(F.leaky_relu(self.up(self.second_norm(x)), SLOPE))
        return mixed


def directions_fit(latent_dim: int) -> Fits:
    """Return the check that a file holds directions for codes of `latent_dim` dimensions."""

    def problem(declared: Mapping[str, Declared]) -> str | None:
        try:
            sizes = _declared(declared)
        except ValueError as error:
            return f"holds no directions: {error}"
        if sizes.latent_dim != latent_dim:
            return f"has {sizes.latent_dim} dimensions, the model has {latent_dim}"
        with torch.device("meta"):
            expected = Directions(*sizes)
        vectors = {name for name in declared if name.startswith((ADDED, TAKEN))}
        for name in sorted(vectors):
            if not (declared[name].floating and declared[name].shape == (latent_dim,)):
                return f"step {name!r} is no vector of {latent_dim:,} fractions"
        rest = {name: each for name, each in declared.items() if name not in vectors}
        stacked = Declared("F16", tuple(expected.vectors.shape))
        return fits_model(expected)(rest | {"vectors": stacked})

    return problem


def _declared(declared: Mapping[str, Declared]) -> Sizes:
    """Return the sizes of the directions in a file by its header.

    Raises:
        ValueError: It holds no directions, or larger ones than are read.
    """
    names, taken = (
        sorted(name.removeprefix(start) for name in declared if name.startswith(start))
        for start in (ADDED, TAKEN)
    )
    if not names or names != taken or len(names) > MOST_VECTORS:
        raise ValueError("each attribute needs a step that adds it and one that takes it away")
    if any(not name or len(name) > LONGEST_NAME for name in names):
        raise ValueError("an attribute has no name, or a long one")
    shapes = [declared[key].shape for key in ("place", "input.weight") if key in declared]
    if len(shapes) != 2 or any(len(shape) != 2 for shape in shapes):
        raise ValueError("lacks 'place' or 'input.weight', or their sides")
    (positions, width), (_, share) = shapes
    blocks = len({name.split(".")[1] for name in declared if name.startswith("blocks.")})
    if not (1 <= width <= WIDEST and blocks <= DEEPEST and 1 <= positions * share <= 1 << 16):
        raise ValueError(f"a width of {width} or {blocks} blocks are not read")
    return Sizes(tuple(names), positions * share, positions, width, blocks)


def directions_from_state(state: Mapping[str, Tensor]) -> Directions:
    """Return the directions of stored tensors, in evaluation mode.

    Args:
        state: From `Directions.state`; files are checked by `directions_fit` first.
    """
    shapes = {name: Declared("F16", tuple(each.shape)) for name, each in state.items()}
    found = Directions(*_declared(shapes))
    rows = [state[start + name] for name in found.names for start in (ADDED, TAKEN)]
    own = {name: each for name, each in state.items() if not name.startswith((ADDED, TAKEN))}
    found.load_state_dict({**own, "vectors": torch.stack(rows)})
    return found.eval().requires_grad_(False)
