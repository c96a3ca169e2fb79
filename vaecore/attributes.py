"""Attribute vectors: directions in latent space that change one property of an item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from vaecore.errors import UsageError


def attribute_vector(z_with: Tensor, z_without: Tensor) -> Tensor:
    """Return the difference of the mean codes with and without an attribute.

    Properties that usually come together with the attribute come along with it;
    `attribute_directions` keeps them apart.

    Args:
        z_with: Codes of items that have it, `(n, latent_dim)`, n at least 1.
        z_without: Codes of items that do not, `(m, latent_dim)`, m at least 1.

    Returns:
        `(latent_dim,)`: adding it once leads from the one mean to the other.

    Raises:
        ValueError: One of the sets is empty.
    """
    if len(z_with) == 0 or len(z_without) == 0:
        raise ValueError(f"need codes on both sides, got {len(z_with)} and {len(z_without)}")
    return z_with.mean(0) - z_without.mean(0)


def quartile_attribute_vector(z: Tensor, values: Tensor) -> Tensor:
    """Return the mean code of the top quartile of an attribute minus that of the bottom one.

    This is how MusicVAE defines the vectors of measured attributes (Roberts et al., 2018,
    section 5.3). Items whose value equals a quartile count as inside it.

    Args:
        z: Codes, `(n, latent_dim)`.
        values: The attribute of each item, `(n,)`.

    Returns:
        `(latent_dim,)`.

    Raises:
        ValueError: The quartiles coincide, so nothing sets top and bottom apart.
    """
    values = values.double()
    low, high = values.quantile(torch.tensor([0.25, 0.75], dtype=values.dtype, device=z.device))
    if low == high:
        raise ValueError(f"at least half of the items have the same value {low.item():g}")
    return attribute_vector(z[values >= high], z[values <= low])


def attribute_directions(z: Tensor, values: Tensor, ridge: float = 1e-3) -> Tensor:
    """Return directions that each change one attribute by one unit and leave the others alone.

    All attributes are regressed on z together. With S the covariance of z and C that of z with
    the attributes, the regression weights are W = S^-1 C: a step v changes the attributes by
    W^T v. Of all steps with W^T v = e_j (attribute j changes by one, no other changes), the
    most plausible under N(0, S) minimises v^T S^-1 v, and Lagrange gives

        v_j = S W (W^T S W)^-1 e_j = C (W^T C)^-1 e_j.

    For one attribute this is C / (W^T C), the direction of the difference of means. For more,
    (W^T C)^-1 takes out of each what it only shares by correlation with the others.

    Args:
        z: Codes, `(n, latent_dim)`, n at least 2.
        values: Attributes, `(n, k)`, in the unit that a step of 1 shall mean; divide each by its
            standard deviation to make steps comparable.
        ridge: Added to the diagonal of S, relative to its mean; keeps W stable for few items.

    Returns:
        `(k, latent_dim)`, one direction per attribute.

    Raises:
        ValueError: The codes or an attribute are constant, or an attribute follows from z or the
            others, so that it has no direction of its own.
    """
    if z.ndim != 2 or values.ndim != 2 or len(z) != len(values) or len(z) < 2:
        raise ValueError(
            "z must be (n, latent_dim) and values (n, k) with n at least 2, "
            f"got {tuple(z.shape)} and {tuple(values.shape)}"
        )
    codes, targets = z.double(), values.double()
    codes, targets = codes - codes.mean(0), targets - targets.mean(0)
    s = codes.T @ codes / len(codes)
    if not s.diagonal().any():
        raise ValueError("the codes are all equal")
    c = codes.T @ targets / len(codes)
    s = s + ridge * s.diagonal().mean() * torch.eye(len(s), dtype=s.dtype, device=s.device)
    weights = torch.linalg.solve(s, c)
    # The covariance of the attributes as the regression sees them: what must be invertible.
    explained = weights.T @ c
    scale = explained.diagonal().clamp(min=0).sqrt()
    constant = (scale <= 1e-6 * targets.std(0)).nonzero().flatten().tolist()
    if constant:
        raise ValueError(f"attributes {constant} are constant, or unrelated to the codes")
    if torch.linalg.eigvalsh(explained / scale.outer(scale))[0] < 1e-9:
        raise ValueError("the attributes are linear combinations of one another")
    directions: Tensor = torch.linalg.solve(explained, c.T)
    return directions.to(z.dtype)


def unknown(name: str, known: Iterable[str], remedy: str = "") -> UsageError:
    """Return the error that there is no attribute of a name, with those that there are."""
    names = ", ".join(sorted(known)) or "none"
    return UsageError(f"unknown attribute {name!r}; known are: {names}{remedy}")


def apply_attributes(
    z: Tensor, vectors: Mapping[str, Tensor], amounts: Mapping[str, float]
) -> Tensor:
    """Return codes with attributes added: z + sum of amount * vector.

    Args:
        z: `(..., latent_dim)`.
        vectors: The known attributes, `(latent_dim,)` each, by name.
        amounts: How much of each to add, by name; negative amounts take away.

    Returns:
        The shape of `z`.

    Raises:
        UsageError: A name is unknown; the message lists the known ones.
    """
    for name, amount in amounts.items():
        if name not in vectors:
            raise unknown(name, vectors)
        z = z + amount * vectors[name].to(z)
    return z


def along(z: Tensor, vector: Tensor) -> Tensor:
    """Return the places `(n,)` of codes on an attribute's axis, in units of its vector.

    Args:
        z: `(n, latent_dim)`.
        vector: `(latent_dim,)`, not zero.
    """
    place: Tensor = z @ vector / (vector @ vector)
    return place


def local(vector: Tensor, positions: int, share: float = 0.5) -> Tensor:
    """Return a vector that is 0 at the positions of a code where it does little.

    A smile belongs to the mouth and the cheeks: what its vector adds elsewhere, because smiles are
    commoner in some pictures than in others, changes the person and the background. With it the
    vector of a hat keeps the person in 90 % of 300 faces, with all positions in 35 %.

    Args:
        vector: `(latent_dim,)`, position by position.
        positions: Parts of the code, of equally many dimensions; with 1, nothing is left out.
        share: A position stays that has this share of the mean energy of a position.
    """
    parts = vector.unflatten(0, (positions, -1))
    energy = parts.square().sum(1, keepdim=True)
    kept: Tensor = parts * (energy >= share * energy.mean())
    return kept.flatten()


def step_length(z: Tensor, vector: Tensor, amount: float, about: object) -> float:
    """Return how much of a vector adds an amount of its attribute to a code.

    Args:
        z: The code, `(latent_dim,)`.
        vector: `(latent_dim,)`.
        amount: Negative to take the attribute away.
        about: What the model knows of it; where that is a mapping, of steps back: "less", the
            length of one; and of a code below "middle" on the vector's axis, which lacks the
            attribute, that it ends at "least".
    """
    if amount >= 0 or not isinstance(about, Mapping):
        return amount
    length, place = about.get("less", 1.0), float(along(z, vector))
    if place < about.get("middle", -float("inf")):
        length = min(length, max(place - about.get("least", -float("inf")), 0.0))
    return float(amount * length)


def added_and_taken(
    vectors: Mapping[str, Tensor], about: Mapping[str, object]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the steps that add each attribute by its vector, and those that take it away.

    Args:
        vectors: By name.
        about: What the model knows of steps back; see `step_length`.
    """
    lengths = {
        name: float(each.get("less", 1.0)) if isinstance(each, Mapping) else 1.0
        for name, each in about.items()
    }
    return dict(vectors), {n: -lengths.get(n, 1.0) * each for n, each in vectors.items()}


def within_prior(z: Tensor, origin: Tensor) -> Tensor:
    """Return edited codes, shortened where they are longer than draws of the prior are.

    Nearly all draws of N(0, I) in d dimensions have a length of sqrt(d), give or take 1. Beyond
    that a decoder has seen nothing, and exaggerates.

    Args:
        z: Edited codes `(n, latent_dim)`.
        origin: What was edited, `(n, latent_dim)`, or one for all; none becomes shorter than it.
    """
    longest = origin.norm(dim=-1, keepdim=True).clamp(min=z.shape[-1] ** 0.5 + 1)
    share: Tensor = (longest / z.norm(dim=-1, keepdim=True).clamp(min=1e-6)).clamp(max=1)
    return z * share
