"""The latent space: one object with which items are encoded, sampled, morphed, mixed and edited.

coding      items to codes, codes to items
drawing     samples from a prior
editing     changes of one item: variations, traversals, edits
blending    paths between items: interpolations and palettes
passing     transitions between pieces of many windows as they play
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, cast

from torch import Tensor

from vaecore.analysis import LatentReport, analyse
from vaecore.codec import Codec, Example, Item
from vaecore.config import ModelConfig
from vaecore.directions import Directions
from vaecore.model import VAE
from vaecore.priors import Prior
from vaecore.space.passing import Passing


class LatentSpace(Passing[Item]):
    """A trained VAE and its codec, seen from the latent side.

    An item is a path, an in-memory object the codec knows, an example tensor, an `Example`, or the
    `Examples` of a file that was read before. Interpolation, reconstruction and attribute vectors
    use posterior means; all randomness comes from `seed`.

    Args:
        model: The trained VAE; put into evaluation mode.
        codec: The representation it was trained on.
        attributes: Named attribute vectors `(latent_dim,)`.
        directions: Steps for attributes that depend on the code. They are used as long as the
            attribute's vector in `attributes` is not replaced.
        prior: A mixture or flow fitted to the aggregate posterior; the default for samples.
        config: The model folder's configuration.
    """

    def __init__(
        self,
        model: VAE,
        codec: Codec[Item],
        *,
        attributes: Mapping[str, Tensor] | None = None,
        directions: Directions | None = None,
        prior: Prior | None = None,
        config: ModelConfig | None = None,
    ) -> None:
        self.model = model.eval()
        self.codec = codec
        self.attributes = dict(attributes or {})
        self.directions = directions
        known = directions.names if directions is not None else ()
        self._of_directions = {name: self.attributes.get(name) for name in known}
        self.prior = prior
        self.config = config

    def as_examples(self) -> LatentSpace[Example]:
        """Return a copy of this space whose results are examples (tensor and context), not items.

        It saves the conversion to items where results are drawn or encoded again.
        """
        space = copy(self)
        space._gives_examples = True
        return cast("LatentSpace[Example]", space)

    def within(self, limit: str, items: Any = ()) -> LatentSpace[Item]:
        """Return a copy of this space whose decoder is restricted to some classes.

        Args:
            limit: A restriction that the codec knows: for music a scale ("C major"), or "keep" for
                the notes of the items.
            items: The items that results will be made from.

        Raises:
            UsageError: The codec knows no such restriction.
        """
        space = copy(self)
        space.model = self.codec.within(self.model, limit, self._each(items)).eval()
        return space

    def analyse(self, items: Any) -> LatentReport:
        """Compare the aggregate posterior of all examples of the items with N(0, I)."""
        return analyse(self.posterior_of(self.examples(items).x, refine=False))
