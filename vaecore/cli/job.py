"""One run of a verb: the model, the inputs, the outputs and the report."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.cli.echo import coloured, echo, style
from vaecore.cli.outputs import Outputs
from vaecore.cli.presentation import Input, Presentation, Result, Source
from vaecore.errors import DataError, UsageError
from vaecore.reading import check_files, files_below

if TYPE_CHECKING:
    from vaecore.distributions import DiagonalGaussian
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

ENCODED_AT_ONCE = 256
"""Examples of many files are encoded together in groups of at least this many."""


@dataclass
class Job:
    """One run of a verb; further fields are the shared options of the same names.

    Args:
        presentation: The domain, with its way to write and show results.
        verb: Name of the verb.
        options: The values of the domain's own options.
    """

    presentation: Presentation
    verb: str
    options: Mapping[str, Any] = field(default_factory=dict)
    output: Path | None = None
    model: str | None = None
    device: str = "cpu"
    as_json: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        self.begin = time.monotonic()

    @property
    def domain(self) -> Domain:
        """The domain of the models."""
        return self.presentation.domain

    # The model and the inputs

    def read(self, paths: Sequence[Path]) -> list[Input]:
        """Return the inputs, each read once, before torch is imported."""
        return self.presentation.read(paths, self.options)

    def load(self, inputs: Sequence[Input] = ()) -> LatentSpace[Any]:
        """Load the model of --model, or the one that fits the inputs, and print its name."""
        reason = ""
        if self.model is None:
            self.model, reason = self.presentation.choose_model(inputs, self.options)
        from vaecore.threads import use_threads

        use_threads(self.domain.threads)
        space = self.space(self.model)
        self.echo(f"{style(self.model, bold=True)}  {reason}".rstrip())
        return space

    def space(self, model: str) -> LatentSpace[Any]:
        """Return a model, loaded."""
        return self.domain.load(model, self.device)

    def take(
        self, space: LatentSpace[Any], inputs: Sequence[Input]
    ) -> tuple[LatentSpace[Any], list[list[Source]]]:
        """Return the space, limited by the domain's options, and the rounds of sources; list them.

        Args:
            space: The model.
            inputs: From `read`.
        """
        rounds = self.presentation.sources(space.codec, inputs, self.options)
        names = [source.input.name for source in rounds[0]]
        space = self.presentation.limited(space, rounds, self.options)
        for name, source in zip(names, rounds[0], strict=True):
            self.echo(f"  {name:{max(map(len, names))}}  {source.place}".rstrip())
        if len(rounds) > 1:
            self.echo(f"  and so on, {len(rounds)} windows one after the other")
        return space, rounds

    def space_and_rounds(
        self, paths: Sequence[Path]
    ) -> tuple[LatentSpace[Any], list[list[Source]]]:
        """Return the model for inputs, as a space of examples, and the rounds of sources."""
        read = self.read(paths)
        return self.take(self.load(read).as_examples(), read)

    def load_for(self, paths: Sequence[Path]) -> LatentSpace[Any]:
        """Load the model of --model, or the one for the first usable file of folders."""
        files = self.files(paths, self.presentation.reads)
        for file in files if self.model is None else ():
            try:
                return self.load(self.presentation.read([Path(file)], self.options))
            except DataError:
                if file == files[-1]:
                    raise
        return self.load()

    def posterior(
        self, space: LatentSpace[Any], paths: Sequence[Path], where: str = ""
    ) -> DiagonalGaussian:
        """Return the posteriors of all examples of files and folders, and list unusable files.

        The examples are never all in memory.

        Args:
            space: The model.
            paths: Files and folders.
            where: Their name in messages; by default the paths.

        Raises:
            DataError: Not one file can be used.
        """
        import torch

        from vaecore.distributions import DiagonalGaussian

        parts, waiting, problems = [], [], []
        files = self.files(paths, space.codec.suffixes)
        for path in files:
            try:
                waiting.append(space.codec.read(path).counted().x)
            except DataError as error:
                problems.append(str(error))
            if sum(map(len, waiting)) >= ENCODED_AT_ONCE or (path is files[-1] and waiting):
                parts.append(space.posterior_of(torch.cat(waiting), refine=False))
                waiting = []
        count = sum(map(len, parts))
        where = where or ", ".join(map(str, paths))
        if not count:
            reason = f"for example {problems[0]}" if problems else None
            text = f"no example for {self.model} in {counted(len(files), 'file')}"
            raise DataError(text, path=where, remedy=reason)
        self.echo(f"  {where}: {counted(count, 'example')} of {counted(len(files), 'file')}")
        for line in left_out(problems):
            self.echo(line)
        return DiagonalGaussian(
            torch.cat([part.mean for part in parts]), torch.cat([part.stddev for part in parts])
        )

    def files(self, paths: Sequence[Path], suffixes: tuple[str, ...]) -> list[Path | str]:
        """Return the files among paths and in folders; inputs that were typed are strings."""
        found: list[Path | str] = []
        for path in paths:
            typed = self.presentation.typed(path)
            found += [str(path)] if typed else find_files([path], suffixes)
        return found

    # The outputs

    def place(self, inputs: Sequence[Path] = ()) -> Path | None:
        """Return the file to write; None if the verb only prints.

        Raises:
            UsageError: Its ending is not one of the verb's, or the default file is an input.
        """
        if self.output is None:
            if self.verb not in self.presentation.outputs:
                return None
            path = Path(self.presentation.outputs[self.verb])
            if any(path.exists() and i.exists() and path.samefile(i) for i in inputs):
                raise UsageError(f"{path} is an input; name another file with -o/--output")
            return path
        endings = self.presentation.endings(self.verb)
        if self.output.suffix.lower() not in endings:
            known = " or ".join(ending for ending in endings if ending)
            folder = ", or have no ending, for a folder" if "" in endings else ""
            raise UsageError(f"{self.output}: the output must end in {known}{folder}")
        return self.output

    def write(self, result: Result, path: Path | None, text: str, facts: Mapping[str, Any]) -> None:
        """Write and show a result, and report it.

        Args:
            result: What the verb made.
            path: From `place`.
            text: A summary in a few words.
            facts: The report for `--json`.
        """
        with Outputs(path) as outputs:
            written = self.presentation.write(result, outputs, self.options)
        if not (self.as_json or self.quiet):
            picture = self.presentation.picture(result, width())
            self.echo(f"\n{coloured(picture)}\n" if picture else "")
        about = " · ".join(part for part in (text, written.text) if part)
        self.done(outputs.written, about, {**facts, **written.facts}, written.next)

    def done(
        self, files: Iterable[Path], text: str, facts: Mapping[str, Any], then: str = ""
    ) -> None:
        """Report the files that were written, as text or as JSON.

        Args:
            files: The files.
            text: A summary.
            facts: The report for `--json`.
            then: A hint on the next step; may be empty.
        """
        names = [str(file) for file in files]
        if names:
            more = f" and {len(names) - 1} more, to {names[-1]}" if len(names) > 3 else ""
            shown = names[:1] if more else names
            self.echo("\n".join(style(name, bold=True) for name in shown) + more)
        self.echo(f"  {text}" if text else "")
        self.echo(f"  {then}" if then else "")
        self.emit({"model": self.model, **facts, "files": names})

    # Printing

    def echo(self, text: str) -> None:
        """Print a line for people."""
        if text and not (self.as_json or self.quiet):
            echo(text)

    def emit(self, facts: Mapping[str, Any]) -> None:
        """Print the one JSON object, with --json."""
        if self.as_json:
            elapsed = round(time.monotonic() - self.begin, 3)
            echo(json.dumps({"verb": self.verb, **facts, "elapsed_seconds": elapsed}))


def counted(number: int, noun: str) -> str:
    """Return "1 step" or "2 steps"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def left_out(problems: Sequence[str]) -> list[str]:
    """Return at most three lines about files that were left out, the last with how many more."""
    shown = problems if len(problems) <= 3 else [*problems[:2], f"{len(problems) - 2} more"]
    return [style(f"    left out: {problem}", dim=True) for problem in shown]


def width() -> int:
    """Return the number of columns of the terminal; 80 without a terminal."""
    return shutil.get_terminal_size((80, 24)).columns


def find_files(paths: Sequence[Path], suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files among paths, and those with a suffix in folders, at any depth.

    Raises:
        DataError: A path does not exist, a folder cannot be read, or it holds no such file.
    """
    found = []
    for path in paths:
        if not path.is_dir():
            check_files([path])
            found.append(path)
            continue
        inside = sorted(
            here / name
            for here, _, names in files_below(path)
            for name in names
            if name.lower().endswith(suffixes) and (here / name).is_file()
        )
        if not inside:
            remedy = "name files, or a folder of them"
            raise DataError(f"holds no {' or '.join(suffixes)} files", path=path, remedy=remedy)
        found += inside
    return found


def flat(rounds: Sequence[Sequence[Source]]) -> list[dict[str, Any]]:
    """Return the sources of each round, for `--json`."""
    return [
        {
            "inputs": [
                {
                    **({"file": str(s.input.path)} if isinstance(s.input.path, Path) else {}),
                    **s.facts,
                }
                for s in sources
            ]
        }
        for sources in rounds
    ]
