"""A point between inputs, decoded while a visitor moves it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from vaecore.cli.presentation import Input, Source
from vaecore.codec import Example
from vaecore.errors import DataError, UsageError
from vaecore.studio.blend import CornerPaths, corner_weights
from vaecore.studio.cache import Cache
from vaecore.studio.models import Batcher, Models
from vaecore.studio.requests import Codes, Point
from vaecore.studio.served import File
from vaecore.studio.stage import Stage
from vaecore.studio.verbs import Verbs

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace

KEPT_BYTES = 128_000_000
"""Bytes of files in memory. Beyond that the least recently used are dropped, and sent again."""
KEPT = 256
"""Most combinations of files and options whose examples and codes stay in memory."""


class Missing(DataError):
    """Files are no longer in memory; the page sends them again.

    Args:
        names: Their identifiers.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("some files are no longer in memory", remedy="send them again")
        self.names = list(names)


@dataclass(frozen=True)
class Taken:
    """A model, and the examples that were taken from files for it.

    Attributes:
        model: Name of the model.
        space: The model, within the limits that the options set.
        decoder: Decodes one code `(latent_dim,)` at temperature 0.
        stage: How its examples are shown.
        sources: The example of each file; none without files.
        z: Their codes, `(n, latent_dim)`; None without files.
        paths: The paths between these codes; None without files.
        notes: Notes of reading the files.
    """

    model: str
    space: LatentSpace[Example]
    decoder: Batcher
    stage: Stage
    sources: Sequence[Source] = ()
    z: Tensor | None = None
    paths: CornerPaths | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Played:
    """A decoded point.

    Attributes:
        taken: The model and the inputs.
        z: The code, `(latent_dim,)`.
        example: The example that it is decoded to.
        reached: The change of each attribute that a searched edit reached, in strengths; empty for
            vectors that are only added.
    """

    taken: Taken
    z: Tensor
    example: Example
    reached: Mapping[str, float]


class Live:
    """Files that were sent, and the points between them.

    Args:
        verbs: The verbs, which also read files.
        models: The models.
        stages: How each domain is shown, by its subject.
    """

    def __init__(self, verbs: Verbs, models: Models, stages: Mapping[str, Stage]) -> None:
        self.verbs, self.models, self.stages = verbs, models, stages
        self._files: Cache[str, File] = Cache(KEPT_BYTES)
        self._taken: Cache[str, Taken] = Cache(KEPT)

    def keep(self, file: File) -> str:
        """Keep a file, and return its identifier: a hash of its content and its name."""
        name = sha256(file.data + file.name.encode()).hexdigest()[:20]
        self._files.put(name, file, len(file.data))
        return name

    def files(self, names: Sequence[str]) -> list[File]:
        """Return files by their identifiers.

        Raises:
            Missing: Some are no longer kept.
        """
        found = {name: self._files.get(name) for name in names}
        missing = [name for name, file in found.items() if file is None]
        if missing:
            raise Missing(missing)
        return [file for name in names if (file := found[name]) is not None]

    def look(self, file: File, options: Mapping[str, Any], model: str | None) -> dict[str, Any]:
        """Keep a file, and return as JSON its content and the example that is taken of it.

        Args:
            file: The file.
            options: Options of `palette` that choose the example of a file.
            model: A model's name; None chooses the one that fits the file.
        """
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
        """Return the examples of files that are kept, by their identifiers; see `look`."""
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
            DataError: Its folder cannot be used.
        """
        space = self.models.space(name).as_examples()
        return Taken(name, space, self.models.decoder(name), self.stage(space))

    def about(self, name: str) -> dict[str, Any]:
        """Return as JSON what the page needs of a model: how it is drawn, and its attributes.

        Raises:
            UsageError, DataError: As for `model`.
        """
        taken = self.model(name)
        space, config = taken.space, taken.space.config
        example = self.decode(taken, Codes(model=name, codes=[[0.0] * space.latent_dim]))[0]
        measured = bool(config and any(isinstance(v, Mapping) for v in config.attributes.values()))
        return {
            "name": taken.model,
            "kind": taken.stage.kind,
            "latent_dim": space.latent_dim,
            "attributes": sorted(space.attributes),
            "settles": measured,
            "draws": space.model.draws,
            "ending": taken.stage.ending,
            **taken.stage.about(space.codec, example),
        }

    def play(self, point: Point) -> Played:
        """Return what a point is decoded to.

        Raises:
            UsageError: The request names neither corners nor a model and a code, or a code is not
                of the model's size, or not finite.
            DataError: A file cannot be used, or is no longer kept (`Missing`).
        """
        import torch

        if point.corners:
            names = [corner.file for corner in point.corners]
            taken = self.take(names, point.options, point.model)
        elif point.model and point.code:
            taken = self.model(point.model)
        else:
            raise UsageError("name one to four corners, or a model and a code")
        space, contexts = taken.space, [source.example.context for source in taken.sources]
        weights = corner_weights(point.at, len(contexts))
        context = None
        if contexts and all(each is not None for each in contexts):
            context = space.codec.blend(contexts, weights)
        if point.code is not None:
            z = _codes(taken, [point.code])[0]
        else:
            assert taken.paths is not None
            z = taken.paths.code(point.at)
        add = {name: amount for name, amount in point.add.items() if amount}
        reached: Mapping[str, float] = {}
        if add and point.settle:
            found = space.steered_code(z[None], [add])[0]
            z, reached = found.z, found.reached
        elif add:
            z = space.added(z[None], [add])[0]
        z = _finite(z)
        if point.temperature:
            x = space.decode_to_examples(z[None], point.temperature, point.seed)[0]
        else:
            x = taken.decoder(z)
        if len(taken.sources) > 1 and point.code is None and not add:
            given = torch.stack([source.example.x for source in taken.sources])
            x = space.mended(given, torch.tensor([weights]), x[None])[0]
        return Played(taken, z, Example(x, context), reached)

    def decode(self, taken: Taken, asked: Codes) -> list[Example]:
        """Return the examples that codes are decoded to.

        Raises:
            UsageError: A code is not of the model's size, or not finite.
        """
        z = _finite(_codes(taken, asked.codes))
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
        decoder = Batcher(space.decode_to_examples) if limited else self.models.decoder(name)
        z = space.encode([source.example for source in sources])
        paths = CornerPaths(space, z, self.models.from_noise(name))
        taken = Taken(name, space, decoder, self.stage(space), sources, z, paths, outcome.notes)
        return taken, outcome.inputs

    def stage(self, space: LatentSpace[Any]) -> Stage:
        """Return how the examples of a model are shown."""
        assert space.config is not None
        domain = next(each for each in self.models.domains if each.takes(space.config))
        return self.stages[domain.subject]


def _codes(taken: Taken, codes: Sequence[Sequence[float]]) -> Tensor:
    """Return codes as a tensor `(n, latent_dim)`, refusing those of another size."""
    import torch

    size = taken.space.latent_dim
    wrong = [len(code) for code in codes if len(code) != size]
    if wrong:
        raise UsageError(f"a code of {taken.model} has {size} numbers, not {wrong[0]}")
    return torch.tensor(codes)


def _finite(z: Tensor) -> Tensor:
    """Return codes, refusing those with infinite numbers or NaN."""
    if not bool(z.isfinite().all()):
        raise UsageError("a code must consist of finite numbers; it has NaN or infinity")
    return z


def _texts(value: Any) -> list[str]:
    """Return the value of an option as strings, as a form has them."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, (str, int, float, bool)) for each in values):
        raise UsageError(f"an option must be a text, a number or a list of them, not {value!r}")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
