"""Verbs of the command line, run on files that were sent: the same code, options and messages."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from copy import copy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.build import VERBS, bind
from vaecore.cli.dispatch import Dispatch
from vaecore.cli.echo import NOTES
from vaecore.cli.job import find_files
from vaecore.cli.main import Group
from vaecore.errors import DataError, UsageError
from vaecore.studio.models import Models
from vaecore.studio.served import File, Outcome, ServedJob

PLAIN = {"render": ".wav", "show": ".png"}
"""Verbs without a model that are offered, where the command has them, and the file type of each."""
_OTHER_OUTPUTS = {"attribute": "attribute.safetensors", "analyze": "analysis.png"}
_HIDDEN = {"device", "as_json", "quiet", "output", "help", "tracks", "labels"}
"""Parameters that a server decides itself, or whose value is a table of paths."""
_NAME = re.compile(r"[\w \-]*")
_STDOUT = Lock()


@click.command()
@options.inputs
@options.writes
def _take(job: ServedJob, inputs: tuple[Path, ...]) -> None:
    """Read inputs and take examples of them as `palette` does, and decode nothing."""
    read = job.read(inputs)
    space = job.load(read)
    job.outcome.space, _ = job.take(space, read)


class Verbs:
    """The verbs of a command.

    Args:
        group: The command.
        dispatch: Chooses the domain of a request.
        models: The models that requests may name.
    """

    def __init__(self, group: Group, dispatch: Dispatch, models: Models) -> None:
        self.models = models
        self._dispatch = dispatch
        outputs = {verb for each in dispatch.presentations for verb in each.outputs}
        offered = {*outputs, *(verb.name for verb in VERBS), *PLAIN}
        self.commands = {
            name: command
            for name, command in group.commands.items()
            if name in offered and not command.hidden
        }
        self._take = bind(_take, dispatch, "palette")

    def parameters(self, verb: str) -> dict[str, click.Parameter]:
        """Return the parameters of a verb by the names that requests use."""
        return _parameters(self.commands[verb])

    def taking(self) -> dict[str, click.Parameter]:
        """Return the parameters that choose the example of a file: bar, track, face and more."""
        known = _parameters(self._take)
        return {name: each for name, each in known.items() if name != "inputs"}

    def run(
        self,
        verb: str,
        files: Mapping[str, Sequence[File]],
        values: Mapping[str, Sequence[str]],
        output: str = "",
    ) -> Outcome:
        """Run a verb.

        Args:
            verb: Its name.
            files: The files that were sent, by parameter.
            values: The values of the other parameters; a flag is "true" or "false".
            output: Name of the file to write; its ending chooses its type.

        Raises:
            UsageError, DataError, click.UsageError: As for a command line.
        """
        return self._run(self.commands[verb], files, values, output)

    def take(self, files: Sequence[File], values: Mapping[str, Sequence[str]]) -> Outcome:
        """Read files, choose a model, and take examples of them, as `palette` would."""
        return self._run(self._take, {"inputs": files}, values, "")

    def _run(
        self,
        command: click.Command,
        files: Mapping[str, Sequence[File]],
        values: Mapping[str, Sequence[str]],
        output: str,
    ) -> Outcome:
        known, outcome = _parameters(command), Outcome()
        with TemporaryDirectory(prefix="studio-") as folder:
            root = Path(folder)
            (root / "in").mkdir()
            (root / "out").mkdir()
            arguments, inputs = [], []
            for name, value in values.items():
                arguments += self._option(name, value, known)
            for name, sent in files.items():
                paths = [_kept(root / "in", file) for file in sent]
                if isinstance(known.get(name), click.Argument):
                    inputs += paths
                else:
                    parameter = _checked(name, known)
                    arguments += [f"{_flag(parameter)}={path}" for path in paths]
            model = next(iter(values.get("model", [])), None)
            place = output and clean_name(output)
            place = place or self._default(command, [Path(path) for path in inputs], model)
            if place:
                arguments.append(f"--output={root / 'out' / place}")
            has = {parameter.name for parameter in command.params}
            arguments += ["--json"] * ("as_json" in has and command.name != "show")
            arguments += ["--quiet"] * ("quiet" in has and "as_json" not in has)
            dispatch = Dispatch(
                # A presentation may keep what it took until it writes: each request has its own.
                tuple(copy(each) for each in self._dispatch.presentations),
                partial(ServedJob, models=self.models, outcome=outcome),
            )
            try:
                with command.make_context(
                    command.name, [*arguments, "--", *inputs], obj=dispatch
                ) as context:
                    context.meta[NOTES] = outcome.notes
                    if command.name in PLAIN:  # they print to standard output
                        with _STDOUT, redirect_stdout(io.StringIO()):
                            command.invoke(context)
                    else:
                        command.invoke(context)
            except Exception as error:
                raise _without(error, root) from error
            written = find_files([root / "out"], ("",)) if any((root / "out").iterdir()) else []
            outcome.files = [
                File(str(path.relative_to(root / "out")), path.read_bytes()) for path in written
            ]
            outcome.facts = _plain(outcome.facts, root)
            outcome.notes[:] = _plain(outcome.notes, root)
        return outcome

    def _option(
        self, name: str, values: Sequence[str], known: Mapping[str, click.Parameter]
    ) -> list[str]:
        """Return a parameter as arguments of a command line."""
        parameter = _checked(name, known)
        if name == "model":
            return [f"--model={self.models.folders[self.models.check(values[-1])]}"]
        if isinstance(parameter, click.Argument) or isinstance(parameter.type, click.Path):
            raise UsageError(f"{name} is a file; send the file itself, not its name")
        if getattr(parameter, "is_flag", False):
            given = values[-1].lower()
            if given not in ("true", "false", "1", "0", ""):
                raise UsageError(f"{name} is true or false, not {values[-1]!r}")
            return [_flag(parameter)] if given in ("true", "1") else []
        if may_be_file(parameter) and not all(map(_NAME.fullmatch, values)):
            raise UsageError(f"{name} takes a name that the description lists, or a file to send")
        if len(values) > 1 and not parameter.multiple:
            raise UsageError(f"{name} was given {len(values)} times; give it once")
        flag = _flag(parameter)
        joined = "=" if flag.startswith("--") else ""
        return [f"{flag}{joined}{value}" for value in values]

    def _default(self, command: click.Command, inputs: Sequence[Path], model: str | None) -> str:
        """Return the name of the output file where the request names none; "" for no file."""
        name = command.name or ""
        if command is self._take:
            return ""
        if name in PLAIN:
            return "".join(path.stem for path in inputs[:1]) + PLAIN[name]
        if name in _OTHER_OUTPUTS:
            return _OTHER_OUTPUTS[name]
        folder = None if model is None else str(self.models.folders[model])
        return self._dispatch.choose(inputs, folder).outputs.get(name, "")


def may_be_file(parameter: click.Parameter) -> bool:
    """Return whether the value of a parameter can be a file."""
    metavar = getattr(parameter, "metavar", None) or ""
    return isinstance(parameter.type, click.Path) or "FILE" in metavar


def clean_name(name: str) -> str:
    """Return a file's name without folders and control characters, at most 97 characters long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    last = "".join(c for c in last if c.isprintable()).strip().lstrip(".") or "file"
    stem, dot, ending = last.rpartition(".")
    return f"{stem[-80:]}{dot}{ending[-16:]}"


def _parameters(command: click.Command) -> dict[str, click.Parameter]:
    return {
        _public(parameter): parameter
        for parameter in command.params
        if parameter.name not in _HIDDEN
    }


def _public(parameter: click.Parameter) -> str:
    """Return a parameter's name in requests: its longest option, with _ in place of dashes."""
    if isinstance(parameter, click.Argument):
        return "inputs"
    return max(parameter.opts, key=len).lstrip("-").replace("-", "_")


def _flag(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len)


def _checked(name: str, known: Mapping[str, click.Parameter]) -> click.Parameter:
    if name not in known:
        raise UsageError(f"no parameter {name!r}; there are output, {', '.join(known)}")
    return known[name]


def _kept(folder: Path, file: File) -> str:
    """Write a file that was sent into a folder, and return its path."""
    name, place, k = clean_name(file.name), folder, 1
    while (place / name).exists():
        k += 1
        place = folder / str(k)
        place.mkdir(exist_ok=True)
    (place / name).write_bytes(file.data)
    return str(place / name)


def _without(error: Exception, root: Path) -> Exception:
    """Return an error whose message has the names of files that were sent, not temporary paths."""
    if isinstance(error, click.ClickException):
        return UsageError(_plain(error.format_message().rstrip("."), root))
    if isinstance(error, (DataError, UsageError)):
        return type(error)(_plain(str(error), root))
    return error


def _plain(value: Any, root: Path) -> Any:
    """Return texts, at any depth, without the path of the temporary folder."""
    if isinstance(value, str):
        return re.sub(re.escape(str(root)) + r"/(?:in/(?:\d+/)?|out/)", "", value)
    if isinstance(value, Mapping):
        return {key: _plain(each, root) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, root) for each in value]
    return value
