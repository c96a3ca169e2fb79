"""The codec: the way between a user's files or objects and the tensors a model sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")


class Codec(ABC, Generic[Item]):
    """Turns items (paths or objects) into examples, the tensors of one domain, and back.

    A codec is fully described by `config`, a JSON-able dictionary that is stored in the model
    folder, so that a model is always read with the representation it was trained on.
    """

    suffixes: tuple[str, ...] = ()
    """File name endings, in lower case, that folders are searched for."""

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Everything needed to build this codec again."""

    @abstractmethod
    def encode(self, item: Any) -> Tensor:
        """Return the one example behind an item, without batch axis.

        Raises:
            DataError: The item cannot be used; the message says which rule rejected it.
        """

    @abstractmethod
    def decode(self, x: Tensor, context: Any = None) -> Item:
        """Return the item that an example stands for, in the given context."""

    def check(self, model: Any) -> None:
        """Raise ValueError if a VAE's examples are not this codec's; checked when it is loaded."""

    def examples(self, item: Any) -> Tensor:
        """Return every example of an item, with a leading axis `(n, ...)`.

        An image is one example; a song is as many as it has windows, possibly none.
        """
        return self.encode(item).unsqueeze(0)

    def context(self, item: Any) -> Any:
        """Return what decoding needs beside the example (for music: tempo and instrument)."""
        return None

    def change(self, x: Tensor) -> Tensor:
        """Return how much a person sees or hears change from each example to the next, `(n - 1,)`.

        A codec that can tell gives `interpolate` its timing "perceived".

        Args:
            x: Examples `(n, ...)`, n at least 2, as decoded along a path.

        Raises:
            UsageError: This representation has no such measure.
        """
        raise UsageError(f"{self.config.get('name')} has no measure of perceived change")

    def forms(self, x: Tensor, groups: int) -> Tensor | None:
        """Return which parts of each example are the same, integers `(n, groups, groups)` of bits.

        None where that means nothing; see `vaecore.flow`.

        Args:
            x: Examples `(n, ...)`.
            groups: Parts of an example.
        """
        return None

    def formed(self, x: Tensor, forms: Tensor) -> Tensor:
        """Return examples in which parts that are the same, as their forms say, are the same."""
        return x

    def blend(self, contexts: Sequence[Any], weights: Sequence[float]) -> Any:
        """Return the weighted mean of contexts; the weights are at least 0 and sum to 1."""
        return None
