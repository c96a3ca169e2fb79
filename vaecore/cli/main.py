"""The command group: it reports every error in one line, with an exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from vaecore.cli.echo import echo
from vaecore.errors import DataError, UsageError, unexpected
from vaecore.starting import INTERRUPTED, interrupted
from vaecore.training.ranks import here

SECONDS_TO_REPORT = 5.0
"""Time for which other processes of a training wait for the first one to report an error."""
OK, DATA, USAGE, TERMINATED = 0, 1, 2, 143


class Group(click.Group):
    """A click group with fixed exit codes, and without tracebacks.

    0 success; 1 data that cannot be used (and any unexpected error); 2 wrong usage; 130 Ctrl-C;
    143 SIGTERM. With `NAME_DEBUG=1` in the environment (SEQVAE_DEBUG for `seqvae`) errors show
    their traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which they were added."""
        return list(self.commands)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb, with a check that its output is not one of its inputs."""
        cmd = copy(cmd)
        if cmd.callback is not None:
            cmd.callback = _sparing_inputs(cmd.callback)
        super().add_command(cmd, name)

    @property
    def debug_variable(self) -> str:
        """The environment variable that switches tracebacks on."""
        return f"{self.name}_DEBUG".upper()

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; see `click.Command.main`."""

        if os.environ.get("NO_COLOR"):  # see no-color.org
            extra.setdefault("color", False)

        def run() -> Any:
            return super(Group, self).main(args, prog_name, complete_var, False, **extra)

        if not standalone_mode:
            return run()
        for stream in (sys.stdout, sys.stderr):  # for texts that the terminal cannot encode
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        if os.environ.get(self.debug_variable):
            code = run()
            sys.exit(code if isinstance(code, int) else OK)
        try:
            # `--help` and the like return an exit code.
            code = run()
            sys.stdout.flush()
        except BaseException as error:
            code = self.answer(error)
        sys.exit(code if isinstance(code, int) else OK)

    def answer(self, error: BaseException) -> int:
        """Print an error in one line, and return the exit code."""
        if isinstance(error, (click.Abort, KeyboardInterrupt)):
            return _say("Interrupted.", INTERRUPTED)
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else DATA
        if isinstance(error, BrokenPipeError):  # the reader has closed the pipe (`| head`)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DATA
        if isinstance(error, DataError):
            return _say(f"Error: {error}", DATA)
        if isinstance(error, UsageError):
            return _say(f"Error: {error}", USAGE)
        if isinstance(error, click.ClickException):
            if isinstance(error, click.exceptions.NoArgsIsHelpError):
                error.show()
                return USAGE
            context = getattr(error, "ctx", None)
            place = f" (see {context.command_path} --help)" if context else ""
            return _say(f"Error: {error.format_message().rstrip('.')}{place}", error.exit_code)
        if isinstance(error, OSError) and error.filename:
            reason = (error.strerror or type(error).__name__).lower()
            return _say(f"Error: {error.filename}: {reason}", DATA)
        if isinstance(error, MemoryError):
            return _say("Error: not enough memory; try fewer or smaller inputs", DATA)
        where = f"{self.debug_variable}=1 shows where"
        return _say(f"Error: {unexpected(error)}; please report it ({where})", DATA)

    def run(self) -> NoReturn:
        """Run as the program: `main`, then exit; SIGTERM and SIGHUP end it cleanly, too."""
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: sys.exit(TERMINATED))
        if signal.getsignal(signal.SIGINT) is interrupted:  # from now on `answer` handles it
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code: object = OK
        try:
            self.main(prog_name=self.name)
        except SystemExit as end:
            code = end.code
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        multiprocessing = sys.modules.get("multiprocessing.util")
        if multiprocessing is not None:
            # Unlink named semaphores, or Python 3.14 warns of leaks.
            multiprocessing._run_finalizers()
        # A normal exit would take 0.3 s more, to unload torch's libraries.
        os._exit(code if isinstance(code, int) else OK)


def _sparing_inputs(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return a verb's callback with a check that the output is not one of the inputs."""

    @wraps(callback)
    def run(*args: Any, **values: Any) -> Any:
        given = click.get_current_context().params
        output = given.get("output")
        inputs = [
            path for name, value in given.items() if name != "output" for path in _paths(value)
        ]
        if isinstance(output, Path) and os.path.isfile(output):
            for path in inputs:
                if os.path.isfile(path) and os.path.samefile(path, output):
                    raise UsageError(f"{output} is an input; name another file with -o/--output")
        return callback(*args, **values)

    return run


def _paths(value: Any) -> list[Path]:
    values = value if isinstance(value, tuple) else (value,)
    return [each for each in values if isinstance(each, Path)]


def _say(text: str, code: int) -> int:
    if not here().first:
        # Most likely the first process reports the same error; torchrun then ends this one.
        with suppress(KeyboardInterrupt):
            time.sleep(SECONDS_TO_REPORT)
    echo(" ".join(text.splitlines()), err=True)
    return code
