"""Models that are loaded once, and compute for many people at once."""

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

TOGETHER = 16
"""Codes that are computed together: batches are padded to as many rows anyway."""


class Together:
    """Computes for several threads together what each needs of one code.

    A row's result is the same in every batch (see `vaecore.device.pad`), so that nobody can tell.
    Whoever comes while others are computed waits for the next batch, and all who wait are in it.

    Args:
        compute: From `(n, ...)` to `(n, ...)`, row by row.
    """

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        self._compute = compute
        self._turn, self._lock = Lock(), Lock()
        self._waiting: list[tuple[Tensor, Future[Tensor]]] = []
        self.batches = 0
        """How often it was computed."""

    def __call__(self, row: Tensor) -> Tensor:
        """Return what one row becomes."""
        mine: Future[Tensor] = Future()
        with self._lock:
            self._waiting.append((row, mine))
        with self._turn:
            if not mine.done():
                self._run()
        return mine.result()

    def _run(self) -> None:
        """Compute for all who wait, in batches."""
        import torch

        with self._lock:
            waiting, self._waiting = self._waiting, []
        for k in range(0, len(waiting), TOGETHER):
            part = waiting[k : k + TOGETHER]
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
        domains: Of the package; their shipped models are offered.
        others: Further model folders.
        device: Where to compute.
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
        self._decoders: dict[str, Together] = {}
        self._ways: dict[str, Together] = {}

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return sorted(self.folders)

    def check(self, name: str) -> str:
        """Return the name of a model that is offered.

        Raises:
            UsageError: There is none of that name.
        """
        if name not in self.folders:
            raise UsageError(f"no model {name!r}; there are {', '.join(self.names)}")
        return name

    def name(self, model: str) -> str:
        """Return what a model is called that a command line names: a name, or its folder."""
        return next((name for name, each in self.folders.items() if str(each) == model), model)

    def space(self, name: str) -> LatentSpace[Any]:
        """Return a model; what is changed about the object stays with the caller.

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

    def decoder(self, name: str) -> Together:
        """Return what decodes a model's codes at temperature 0, for many people at once."""
        space = self.space(name)
        with self._lock:
            return self._decoders.setdefault(name, Together(space.decode_to_examples))

    def way_back(self, name: str) -> Together | None:
        """Return what leads from a model's noise to its codes, for many people at once.

        None where the way between codes does not go through a flow.
        """
        space = self.space(name)
        if space.plain_path != "flow" or space.prior is None:
            return None
        with self._lock:
            return self._ways.setdefault(name, Together(space.prior.from_noise))

    def describe(self) -> list[Mapping[str, Any]]:
        """Return name, description, representation and attributes of each, without loading any."""
        from vaecore.cli.box import describe
        from vaecore.config import read_config

        found: list[Mapping[str, Any]] = []
        for name in self.names:
            config = read_config(self.folders[name])
            facts = describe(self.folders[name])
            found.append({**facts, "name": name, "representation": dict(config.representation)})
        return found
