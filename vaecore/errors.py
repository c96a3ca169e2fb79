"""The errors that a user can cause: `DataError` for unusable data, `UsageError` for wrong usage."""

from __future__ import annotations

import re
from os import PathLike, fspath
from typing import Any

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)


def printable(text: str | PathLike[str]) -> str:
    """Return an untrusted name or text with escapes for all that is unsafe to print.

    Control characters (a terminal obeys them), marks that turn the direction of writing, and bytes
    of file names that are not UTF-8 become escapes: `\\x1b`, `\\xff`.
    """
    return _UNPRINTABLE.sub(_escaped, str(fspath(text)))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class DataError(Exception):
    """Data that cannot be used. The command line prints it as one line and exits with 1.

    Args:
        problem: What is wrong, as the end of a sentence ("has no drum notes").
        path: The file or folder it is about, if there is one.
        remedy: What the user can do about it.
    """

    def __init__(
        self, problem: str, *, path: str | PathLike[str] | None = None, remedy: str | None = None
    ) -> None:
        self.problem = problem
        self.path = path
        self.remedy = remedy
        text = " ".join(problem.splitlines())
        text = f"{fspath(path)}: {text}" if path is not None else text
        super().__init__(printable(f"{text}; {remedy}" if remedy else text))

    def __reduce__(self) -> tuple[Any, ...]:  # worker processes send their errors home by pickle
        return _rebuild, (type(self), self.problem, self.path, self.remedy)


class UsageError(Exception):
    """A request that cannot be met as stated. The command line prints it and exits with 2."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(" ".join(text.splitlines())))


def unexpected(error: BaseException) -> str:
    """Return an error that the program did not foresee as one line: its type and its first line."""
    return f"unexpected {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _rebuild(
    kind: type[DataError], problem: str, path: str | PathLike[str] | None, remedy: str | None
) -> DataError:
    return kind(problem, path=path, remedy=remedy)
