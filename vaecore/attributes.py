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
        ValueError: The lower and the upper quartile are equal.
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
        values: Attributes, `(n, k)`; a step changes one by 1 in their unit. Divide each by its
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
    # The covariance of the attributes as the regression explains them; it must be invertible.
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
    """Return the error for an unknown attribute; its message lists the known ones."""
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
    """Return the coordinates `(n,)` of codes along an attribute's vector; 1 is its length.

    Args:
        z: `(n, latent_dim)`.
        vector: `(latent_dim,)`, not zero.
    """
    place: Tensor = z @ vector / (vector @ vector)
    return place


def local(vector: Tensor, positions: int, share: float = 0.5) -> Tensor:
    """Return an attribute vector, set to 0 at the positions of a code where it is weak.

    A smile changes mouth and cheeks. What its vector has elsewhere comes from correlations in the
    data, and changes the person and the background. Restricted in this way, the vector of a hat
    keeps the person in 90 % of 300 faces; the whole vector keeps 35 %.

    Args:
        vector: `(latent_dim,)`, position by position.
        positions: Parts of the code, of equally many dimensions; 1 keeps the whole vector.
        share: Energy (sum of squares) that a position must have to be kept, as a share of the
            mean energy of all positions.

    Returns:
        `(latent_dim,)`.
    """
    parts = vector.unflatten(0, (positions, -1))
    energy = parts.square().sum(1, keepdim=True)
    kept: Tensor = parts * (energy >= share * energy.mean())
    return kept.flatten()


def step_length(z: Tensor, vector: Tensor, amount: float, about: object) -> float:
    """Return the factor by which an edit multiplies an attribute vector.

    It is `amount`, unless the attribute is taken away and the model has a calibration for that.

    Args:
        z: The code, `(latent_dim,)`.
        vector: `(latent_dim,)`.
        amount: Strength of the edit; negative to take the attribute away.
        about: The attribute's entry in the model's configuration. If it is a mapping, "less" is
            the length of a step of strength -1; a code whose coordinate along the vector is below
            "middle" lacks the attribute, and is moved to "least" at most.
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
    """Return the steps that add each attribute, and those that take it away, by name.

    Args:
        vectors: Attribute vectors `(latent_dim,)` by name.
        about: The attributes' entries in the model's configuration; see `step_length`.
    """
    lengths = {
        name: float(each.get("less", 1.0)) if isinstance(each, Mapping) else 1.0
        for name, each in about.items()
    }
    return dict(vectors), {n: -lengths.get(n, 1.0) * each for n, each in vectors.items()}


def within_prior(z: Tensor, origin: Tensor) -> Tensor:
    """Return edited codes, shortened to the length that draws from N(0, I) have.

    Nearly all draws from N(0, I) in d dimensions have a length of sqrt(d), give or take 1. Longer
    codes are unlike any in training, and decoders exaggerate there.

    Args:
        z: Edited codes `(n, latent_dim)`.
        origin: The codes before the edit, `(n, latent_dim)`, or one for all; no code is made
            shorter than its origin.
    """
    longest = origin.norm(dim=-1, keepdim=True).clamp(min=z.shape[-1] ** 0.5 + 1)
    share: Tensor = (longest / z.norm(dim=-1, keepdim=True).clamp(min=1e-6)).clamp(max=1)
    return z * share
