"""What an edit changes: every attribute's probability, by a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from facevae.classifier import FaceClassifier, classify

if TYPE_CHECKING:
    from vaecore.space import LatentSpace

DECODED_AT_ONCE = 128


class Effects(NamedTuple):
    """Of adding each vector; probabilities are the classifier's, of decoded pictures."""

    change: np.ndarray
    """`(vectors, attributes)`: mean absolute change of the attribute's probability."""
    shift: np.ndarray
    """`(vectors, attributes)`: mean change with its sign."""
    flips: np.ndarray
    """`(vectors,)`: share of the faces that are classified as having the vector's own attribute
    after it was added, or as lacking it after it was subtracted."""
    faces: np.ndarray
    """`(vectors,)`: how many faces each row is a mean of."""

    def others(self, own: Sequence[int]) -> np.ndarray:
        """Return each vector's mean change of the other attributes over that of its own.

        Args:
            own: Column of each vector's own attribute; these columns are the listed attributes.
        """
        listed = self.change[:, list(own)]
        ours = listed.diagonal()
        others = (listed.sum(axis=1) - ours) / max(len(own) - 1, 1)
        ratio: np.ndarray = others / np.maximum(ours, 1e-9)
        return ratio


def effects(
    space: LatentSpace[Any],
    vectors: Mapping[str, Tensor | None],
    codes: Tensor,
    classifier: FaceClassifier,
    *,
    labels: Tensor | None = None,
    strength: float = 1.0,
    limit: int = 500,
) -> Effects:
    """Return how each vector changes every attribute of faces.

    Adding is measured on faces without the attribute, subtracting on faces with it: by their label,
    and by the classifier on their reconstruction, since only a face that is classified as lacking
    the attribute can gain it. The change is that of the decoded picture with the vector against the
    decoded picture without.

    Args:
        space: The model.
        vectors: `(latent_dim,)` each, by names that the classifier has. None adds the attribute as
            the model does, see `LatentSpace.added`.
        codes: Posterior means of faces `(n, latent_dim)`.
        classifier: The judge.
        labels: `(n, attributes)`, bool, in the order of the classifier's names; None chooses
            faces by the classifier alone.
        strength: Factor of the vector, or amount; negative subtracts it.
        limit: At most this many faces for each vector, the first eligible ones.

    Returns:
        Rows in the order of `vectors`, columns in the order of the classifier's names.
    """
    before = attribute_probabilities(space, codes, classifier)
    rows = []
    for name, vector in vectors.items():
        column = classifier.names.index(name)
        chosen = eligible(
            before[:, column], None if labels is None else labels[:, column], strength
        )
        chosen = chosen.nonzero().flatten()[:limit]
        faces = codes[chosen]
        if vector is None:
            edited = [space.added(z[None], [{name: strength}]) for z in faces]
            faces = torch.cat([faces[:0], *edited])
        else:
            faces = faces + strength * vector
        after = attribute_probabilities(space, faces, classifier)
        difference = (after - before[chosen]).double()
        flipped = (after[:, column] > 0.5) == (strength > 0)
        n = max(len(chosen), 1)
        rows.append(
            (
                difference.abs().sum(0).numpy() / n,
                difference.sum(0).numpy() / n,
                flipped.sum().item() / n,
                len(chosen),
            )
        )
    if not rows:
        none = np.zeros((0, len(classifier.names)))
        return Effects(none, none, np.zeros(0), np.zeros(0, int))
    return Effects(*(np.array(column) for column in zip(*rows, strict=True)))


def eligible(before: Tensor, labels: Tensor | None, strength: float) -> Tensor:
    """Return which faces `(n,)` lack an attribute (have it, if it is to be subtracted).

    Args:
        before: The classifier's probabilities of the reconstructions, `(n,)`.
        labels: `(n,)`, bool.
        strength: Above 0 where the attribute is to be added, below where subtracted.
    """
    having = before > 0.5
    found = ~having if strength > 0 else having
    if labels is not None:
        found &= ~labels.bool() if strength > 0 else labels.bool()
    return found


def attribute_probabilities(
    space: LatentSpace[Any], codes: Tensor, classifier: FaceClassifier
) -> Tensor:
    """Return the classifier's probabilities `(n, attributes)` of decoded codes."""
    if not len(codes):
        return torch.zeros(0, len(classifier.names))
    parts = [
        classify(classifier, space.decode_to_examples(part))[0]
        for part in codes.split(DECODED_AT_ONCE)
    ]
    return torch.cat(parts)


def decoded(space: LatentSpace[Any], codes: Tensor) -> Tensor:
    """Return the pictures of codes `(n, latent_dim)`, uint8 `(n, 3, size, size)`."""
    parts = [space.decode_to_examples(part) for part in codes.split(DECODED_AT_ONCE)]
    return torch.cat([(x * 255).round().byte() for x in parts])
