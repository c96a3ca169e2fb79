"""A point between inputs, decoded while somebody moves it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vaecore.cli.presentation import Input, Source
from vaecore.codec import Example
from vaecore.errors import DataError, UsageError
from vaecore.studio.models import Models, Together
from vaecore.studio.requests import Codes, Point
from vaecore.studio.served import File
from vaecore.studio.stage import Stage
from vaecore.studio.verbs import Verbs
from vaecore.studio.ways import Ways, shares

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace

KEPT_BYTES = 128_000_000
"""Files kept in memory for the page; the oldest go first, and the page sends them again."""
KEPT = 256
"""Combinations of files that were read."""
Key = TypeVar("Key")
Value = TypeVar("Value")


class Missing(DataError):
    """A file is no longer here; the page sends it again.

    Args:
        names: Its identifiers.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("some files are no longer here", remedy="send them again")
        self.names = list(names)


class Recent(Generic[Key, Value]):
    """A dictionary that forgets what was not asked for lately; for several threads.

    Args:
        most: Sum of the sizes of what it keeps.
    """

    def __init__(self, most: int) -> None:
        self._most, self._size, self._lock = most, 0, Lock()
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return a value, if it is still there."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Key, value: Value, size: int = 1) -> None:
        """Keep a value."""
        with self._lock:
            if key in self._kept:
                self._size -= self._kept.pop(key)[1]
            self._kept[key], self._size = (value, size), self._size + size
            while self._size > self._most and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1][1]


@dataclass(frozen=True)
class Taken:
    """What was taken from some files, for a model.

    Attributes:
        model: Its name.
        space: The model, within the limits of the options.
        decoder: Decodes one code at temperature 0.
        stage: How it is shown.
        sources: One for each file.
        z: Their codes, `(n, latent_dim)`.
        ways: The ways between them.
        notes: What reading said.
    """

    model: str
    space: LatentSpace[Example]
    decoder: Together
    stage: Stage
    sources: Sequence[Source]
    z: Tensor | None
    ways: Ways | None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Played:
    """A decoded point.

    Attributes:
        taken: Of the model and the inputs.
        z: The code, `(latent_dim,)`.
        example: What it is decoded to.
        reached: How far edits came, where that was measured.
    """

    taken: Taken
    z: Tensor
    example: Example
    reached: Mapping[str, float]


class Live:
    """Points between files that were sent before.

    Args:
        verbs: What reads files.
        models: What decodes.
        stages: How each domain is shown, by its subject.
    """

    def __init__(self, verbs: Verbs, models: Models, stages: Mapping[str, Stage]) -> None:
        self.verbs, self.models, self.stages = verbs, models, stages
        self._files: Recent[str, File] = Recent(KEPT_BYTES)
        self._taken: Recent[str, Taken] = Recent(KEPT)

    def keep(self, file: File) -> str:
        """Keep a file, and return its identifier, which is that of its content."""
        name = sha256(file.data + file.name.encode()).hexdigest()[:20]
        self._files.put(name, file, len(file.data))
        return name

    def files(self, names: Sequence[str]) -> list[File]:
        """Return files that are kept.

        Raises:
            Missing: Some are not.
        """
        found = {name: self._files.get(name) for name in names}
        missing = [name for name, file in found.items() if file is None]
        if missing:
            raise Missing(missing)
        return [file for name in names if (file := found[name]) is not None]

    def look(self, file: File, options: Mapping[str, Any], model: str | None) -> dict[str, Any]:
        """Return what is in a file, and what would be taken of it."""
        taken, inputs = self._take([file], options, model)
        source = taken.sources[0]
        return {
            "id": self.keep(file),
            "name": file.name,
            "model": taken.model,
            "place": source.place,
            "facts": dict(source.facts),
            "contents": dict(taken.stage.contents(inputs[0])),
            "shown": taken.stage.shown(taken.space.codec, source.example),
            "notes": list(taken.notes),
        }

    def take(self, names: Sequence[str], options: Mapping[str, Any], model: str | None) -> Taken:
        """Return what is taken of files that are kept; it is kept, too."""
        key = json.dumps([names, options, model], sort_keys=True)
        found = self._taken.get(key)
        if found is None:
            found, _ = self._take(self.files(names), options, model)
            self._taken.put(key, found)
        return found

    def model(self, name: str) -> Taken:
        """Return a model without any input.

        Raises:
            UsageError: There is none of that name.
        """
        space = self.models.space(name).as_examples()
        return Taken(name, space, self.models.decoder(name), self.stage(space), (), None, None)

    def play(self, point: Point) -> Played:
        """Return what is at a point.

        Raises:
            UsageError, DataError: As for a command line.
        """
        import torch

        if point.corners:
            names = [corner.file for corner in point.corners]
            taken = self.take(names, point.options, point.model)
        elif point.model and point.code:
            taken = self.model(self.models.check(point.model))
        else:
            raise UsageError("name one to four corners, or a model and a code")
        space, contexts = taken.space, [source.example.context for source in taken.sources]
        weights = shares(point.at, len(contexts))
        context = None
        if contexts and all(each is not None for each in contexts):
            context = space.codec.blend(contexts, weights)
        if point.code is not None:
            if len(point.code) != space.latent_dim:
                text = f"a code of {taken.model} has {space.latent_dim} numbers"
                raise UsageError(f"{text}, not {len(point.code)}")
            z = torch.tensor(point.code)
        else:
            assert taken.ways is not None
            z = taken.ways.code(point.at)
        add = {name: amount for name, amount in point.add.items() if amount}
        reached: Mapping[str, float] = {}
        if add and point.settle:
            found = space.steered_code(z[None], [add])[0]
            z, reached = found.z, found.reached
        elif add:
            z = space.added(z[None], [add])[0]
        if not bool(torch.isfinite(z).all()):
            raise UsageError("this code is not made of finite numbers")
        if point.temperature:
            x = space.decode_to_examples(z[None], point.temperature, point.seed)[0]
        else:
            x = taken.decoder(z)
        if len(taken.sources) > 1 and point.code is None and not add:
            given = torch.stack([source.example.x for source in taken.sources])
            x = space.mended(given, torch.tensor([weights]), x[None])[0]
        return Played(taken, z, Example(x, context), reached)

    def decode(self, taken: Taken, asked: Codes) -> list[Example]:
        """Return the items that codes are decoded to.

        Raises:
            UsageError: A code is not of the model's size, or not finite.
        """
        import torch

        wrong = [len(code) for code in asked.codes if len(code) != taken.space.latent_dim]
        if wrong:
            raise UsageError(
                f"a code of {taken.model} has {taken.space.latent_dim} numbers, not {wrong[0]}"
            )
        z = torch.tensor(asked.codes)
        if not bool(torch.isfinite(z).all()):
            raise UsageError("a code is not made of finite numbers")
        return taken.space.decode(z, asked.temperature, asked.seed)

    def _take(
        self, files: Sequence[File], options: Mapping[str, Any], model: str | None
    ) -> tuple[Taken, list[Input]]:
        values = {name: _texts(value) for name, value in options.items()}
        if model:
            values["model"] = [model]
        outcome = self.verbs.take(files, values)
        assert outcome.space is not None
        assert outcome.job is not None
        assert outcome.job.model is not None
        name = outcome.job.model
        space, sources = outcome.space.as_examples(), outcome.rounds[0]
        limited = space.model is not self.models.space(name).model
        decoder = Together(space.decode_to_examples) if limited else self.models.decoder(name)
        z = space.encode([source.example for source in sources])
        ways = Ways(space, z, self.models.way_back(name))
        taken = Taken(name, space, decoder, self.stage(space), sources, z, ways, outcome.notes)
        return taken, outcome.inputs

    def stage(self, space: LatentSpace[Any]) -> Stage:
        """Return how the examples of a model are shown."""
        assert space.config is not None
        domain = next(each for each in self.models.domains if each.takes(space.config))
        return self.stages[domain.subject]


def _texts(value: Any) -> list[str]:
    """Return the value of an option as texts, as a form has them."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, (str, int, float, bool)) for each in values):
        raise UsageError(f"an option is a text, a number, or a list of them, not {value!r}")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
