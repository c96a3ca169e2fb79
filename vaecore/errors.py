"""The two errors a user can cause: data that cannot be used, and a wrong request."""

from __future__ import annotations

from os import PathLike
from typing import Any


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
        text = f"{path}: {problem}" if path is not None else problem
        super().__init__(f"{text}; {remedy}" if remedy else text)

    def __reduce__(self) -> tuple[Any, ...]:  # worker processes send their errors home by pickle
        return _rebuild, (type(self), self.problem, self.path, self.remedy)


class UsageError(Exception):
    """A request that makes no sense as stated. The command line exits with 2."""


def _rebuild(
    kind: type[DataError], problem: str, path: str | PathLike[str] | None, remedy: str | None
) -> DataError:
    return kind(problem, path=path, remedy=remedy)
