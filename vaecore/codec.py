"""The codec: the way between a user's files or objects and the tensors a model sees."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.perception import Perception

Item = TypeVar("Item")
"""The type of a domain's items: PrettyMIDI, PIL image, string."""


@dataclass(frozen=True, eq=False)
class Example:
    """A tensor for the model, and the context that decoding it to an item needs.

    Attributes:
        x: The tensor, without a batch axis.
        context: What the tensor leaves out: for music tempo, instruments, bar and source; None
            in domains that need no context.
    """

    x: Tensor
    context: Any = None


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """All examples of an item, read once; accepted wherever an item is.

    Functions that take one item use `first`.

    Attributes:
        x: The tensors, `(n, ...)`; n may be 0.
        contexts: The context of each.
        default: Index of `first`.
        problem: The reason if there is no `first`.
    """

    x: Tensor
    contexts: Sequence[Any]
    default: int = 0
    problem: DataError | None = None

    @classmethod
    def of(cls, x: Tensor) -> Examples:
        """Return examples `(n, ...)` that need no context."""
        return cls(x, (None,) * len(x))

    @property
    def first(self) -> Example:
        """The example that is used where one is needed.

        Raises:
            DataError: There is none; the message gives the reason.
        """
        if self.problem is not None:
            raise self.problem
        return self[self.default]

    def counted(self) -> Examples:
        """Return the examples to use in statistics over many items: here all of them."""
        return self

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]  # no slices
        return Example(self.x[index], self.contexts[index])

    def __iter__(self) -> Iterator[Example]:
        return map(self.__getitem__, range(len(self)))


class Codec(ABC, Generic[Item]):
    """Turns items (paths or objects) into examples, the tensors of one domain, and back.

    A codec is fully described by `config`, a JSON-able dictionary that is stored in the model
    folder, so that a model is always read with the representation it was trained on.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File name endings, in lower case, that folders are searched for."""

    default_path: ClassVar[str] = "slerp"
    """Default path of `LatentSpace.interpolate`, unless the prior is a conditional flow; "flow"
    falls back to "slerp" if the prior is not a flow."""

    default_timing: str = "latent"
    """Default timing of `LatentSpace.interpolate`."""

    default_temperature: float = 1.0
    """Default decoding temperature of `LatentSpace.sample`."""

    settles_samples: bool = False
    """Whether codes drawn from the prior are decoded and encoded once more before they are decoded
    to samples: this moves draws between real codes, which decode badly, towards real ones."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of an example, without batch axis; None if it is not always the same."""
        return None

    @property
    def perception(self) -> Perception | None:
        """How differences between examples are measured; None if the domain has no such measure.

        With one, paths, variations and edits are calibrated on decoded examples
        (`vaecore.calibrated`).
        """
        return None

    @property
    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """Everything needed to build this codec again."""

    @property
    def legend(self) -> Mapping[str, Any]:
        """The meaning of an example's numbers as JSON-able data, for programs without a codec."""
        return {}

    @abstractmethod
    def encode(self, item: Any) -> Tensor:
        """Return the tensor of an item's first example, of `shape`, without batch axis.

        Raises:
            DataError: The item cannot be used; the message names the rule that rejected it.
        """

    @abstractmethod
    def decode(self, x: Tensor, context: Any = None) -> Item:
        """Return the item of an example tensor in a context; a default context if it is None."""

    def read(self, item: Any) -> Examples:
        """Return every example of an item, with its context, in one read.

        An image is one example; a song is as many as it has windows, possibly none.

        Raises:
            DataError: The item cannot be read.
        """
        return Examples.of(self.encode(item).unsqueeze(0))

    @property
    def sizes(self) -> Mapping[str, Any]:
        """Fields of the architecture that this codec fixes, such as the size of a picture."""
        return {}

    @property
    def ready(self) -> bool:
        """Whether `sizes` are final; False before training data have set some (a vocabulary)."""
        return True

    def check(self, model: Any) -> None:
        """Raise ValueError if the architecture of a VAE disagrees with `sizes`."""
        for name, size in self.sizes.items():
            theirs = getattr(model.architecture, name)
            if theirs != size:
                raise ValueError(f"the architecture has {name} {theirs}, the representation {size}")

    def change(self, x: Tensor) -> Tensor:
        """Return the perceived change from each example to the next, `(n - 1,)`.

        A codec that can measure it gives `interpolate` its timing "perceived".

        Args:
            x: Examples `(n, ...)`, n at least 2, as decoded along a path.

        Raises:
            UsageError: This representation has no such measure.
        """
        raise UsageError(
            f"{self.config.get('name')} has no measure of perceived change; use timing latent"
        )

    def overdone(self, x: Tensor, origin: Tensor) -> Tensor | None:
        """Return which edits went too far to be displayed well, bool `(n,)`; None for no limits.

        Args:
            x: Edited examples `(n, ...)`.
            origin: The examples before the edit, `(n, ...)`, or one for all.
        """
        return None

    def condition(self, x: Tensor, groups: int) -> Tensor | None:
        """Return the conditions of examples, which a conditional prior is trained with.

        Args:
            x: Examples `(n, ...)`.
            groups: Number of parts of an example, equal to the prior's `groups`.

        Returns:
            Integers `(n, groups, groups)`, see `vaecore.priors.Flow`; None where this
            representation has no conditions.
        """
        return None

    def conditioned(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return examples `(n, ...)` changed to meet their conditions; see `condition`."""
        return x

    def poor(self, x: Tensor) -> Tensor:
        """Return which examples are empty, nearly empty or chaotic, bool `(n,)`.

        Samples that are get drawn again. Without a `Perception`, none is.

        Args:
            x: Examples `(n, ...)`.
        """
        perception = self.perception
        return x.new_zeros(len(x)).bool() if perception is None else perception.poor(x)

    def within(self, model: Any, limit: str, examples: Sequence[Example]) -> Any:
        """Return a copy of a model whose decoder is restricted to some classes.

        Args:
            model: A model of this codec's examples.
            limit: Name of the restriction: in music a scale, or "keep" for that of the examples.
            examples: The examples that results are made from; may be empty.

        Raises:
            UsageError: The representation knows no such restriction.
        """
        raise UsageError(f"{self.config.get('name')} cannot be limited to {limit!r}")

    def blend(self, contexts: Sequence[Any], weights: Sequence[float]) -> Any:
        """Return the weighted mean of contexts; the weights are at least 0 and sum to 1."""
        return None


AnyCodec = TypeVar("AnyCodec", bound=Codec[Any])


def build_codec(known: Mapping[str, type[AnyCodec]], config: Mapping[str, Any]) -> AnyCodec:
    """Build a codec from its `config`, such as `{"name": "melody", "bars": 2}`.

    Args:
        known: Classes of codecs by the name of their representation.
        config: That name, and arguments of the class.

    Raises:
        DataError: The configuration names no codec, or has unknown keys or unusable values.
    """
    name = config.get("name")
    if not isinstance(name, str) or name not in known:
        names = ", ".join(known)
        raise DataError(f"unknown representation {name!r}", remedy=f"known are {names}")
    options = {key: value for key, value in config.items() if key != "name"}
    unknown = set(options) - set(inspect.signature(known[name]).parameters)
    if unknown:
        raise DataError(f"unknown setting of the {name} representation: {', '.join(unknown)}")
    try:
        return known[name](**options)
    except (TypeError, ValueError) as error:
        raise DataError(f"unusable {name} representation: {error}") from error
