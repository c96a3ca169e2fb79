"""Models that are loaded once, and compute in batches for several requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from copy import copy
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

ROWS = 16
"""Most rows of a batch: smaller batches are padded to as many rows anyway."""


class Batcher:
    """Collects the rows of several threads into batches, and computes each batch once.

    A row's result is the same in every batch (see `vaecore.device.pad`). Rows that arrive while a
    batch is computed wait for the next one.

    Args:
        compute: Maps a batch `(n, ...)` to `(n, ...)`, row by row.
    """

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        self._compute = compute
        self._turn, self._lock = Lock(), Lock()
        self._waiting: list[tuple[Tensor, Future[Tensor]]] = []
        self.batches = 0
        """Number of batches so far."""

    def __call__(self, row: Tensor) -> Tensor:
        """Return the result of one row; it waits for the batch of the row."""
        mine: Future[Tensor] = Future()
        with self._lock:
            self._waiting.append((row, mine))
        with self._turn:
            if not mine.done():
                self._run()
        return mine.result()

    def _run(self) -> None:
        """Compute all rows that wait."""
        import torch

        with self._lock:
            waiting, self._waiting = self._waiting, []
        for k in range(0, len(waiting), ROWS):
            part = waiting[k : k + ROWS]
            try:
                self.batches += 1
                found = self._compute(torch.stack([row for row, _ in part]))
                for (_, future), row in zip(part, found, strict=True):
                    future.set_result(row)
            except BaseException as error:
                for _, future in part:
                    future.set_exception(error)


class Models:
    """The models that a server offers; each is loaded when it is first needed, and stays.

    Args:
        domains: The package's domains, whose shipped models are offered.
        others: Further model folders.
        device: Where to compute, such as "cpu".
    """

    def __init__(
        self, domains: Iterable[Domain], others: Iterable[Path] = (), device: str = "cpu"
    ) -> None:
        self.domains = tuple(domains)
        self.folders: dict[str, Path] = {
            name: domain.box / name for domain in self.domains for name in domain.shipped()
        }
        self.folders |= {folder.resolve().name: folder for folder in others}
        self._device = device
        self._lock = Lock()
        self._locks = {name: Lock() for name in self.folders}
        self._spaces: dict[str, LatentSpace[Any]] = {}
        self._decoders: dict[str, Batcher] = {}
        self._flows: dict[str, Batcher] = {}

    @property
    def names(self) -> list[str]:
        """The models' names, sorted."""
        return sorted(self.folders)

    def check(self, name: str) -> str:
        """Return a name if a model of that name is offered.

        Raises:
            UsageError: There is none.
        """
        if name not in self.folders:
            raise UsageError(f"no model {name!r}; there are {', '.join(self.names)}")
        return name

    def name(self, model: str) -> str:
        """Return the name of a model that is given by its name or its folder."""
        return next((name for name, each in self.folders.items() if str(each) == model), model)

    def space(self, name: str) -> LatentSpace[Any]:
        """Return a copy of a model's space, which the caller may change; the network is shared.

        Raises:
            UsageError: There is none of that name.
            DataError: Its folder cannot be used.
        """
        from vaecore.domain import find_model

        with self._locks[self.check(name)]:
            if name not in self._spaces:
                domain, folder = find_model(self.domains, self.folders[name])
                self._spaces[name] = domain.load(folder, self._device)
        space = copy(self._spaces[name])
        space.attributes = dict(space.attributes)
        return space

    def decoder(self, name: str) -> Batcher:
        """Return a function that decodes a code at temperature 0, `(latent_dim,)` to an example."""
        space = self.space(name)
        with self._lock:
            return self._decoders.setdefault(name, Batcher(space.decode_to_examples))

    def from_noise(self, name: str) -> Batcher | None:
        """Return a function from noise to a code, both `(latent_dim,)`, by a model's flow.

        None where paths between the model's codes do not go through a flow.
        """
        space = self.space(name)
        if space.plain_path != "flow" or space.prior is None:
            return None
        with self._lock:
            return self._flows.setdefault(name, Batcher(space.prior.from_noise))

    def describe(self) -> list[Mapping[str, Any]]:
        """Return the facts of each model that its folder gives, without loading its network."""
        from vaecore.cli.box import describe
        from vaecore.config import read_config

        found: list[Mapping[str, Any]] = []
        for name in self.names:
            config = read_config(self.folders[name])
            facts = describe(self.folders[name])
            found.append({**facts, "name": name, "representation": dict(config.representation)})
        return found
