"""The files of one verb: all are written to temporary files first, then renamed together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from vaecore.errors import DataError, UsageError
from vaecore.files import replacing, replacing_folder


class Outputs:
    """Collects the files that a verb writes; they appear when the block ends without error.

    Args:
        main: The file of -o/--output, or the default one; None if there is neither.
    """

    def __init__(self, main: Path | None) -> None:
        self.main = main
        self.written: list[Path] = []
        self._temporary: dict[str, Path] = {}
        self._stack = ExitStack()

    def add(self, path: Path) -> Path:
        """Return the temporary path to which to write a file.

        Raises:
            DataError: The path cannot be written.
        """
        temporary = self._stack.enter_context(replacing(path))
        self.written.append(path)
        self._temporary[str(temporary)] = path
        return temporary

    def beside(self, suffix: str) -> Path:
        """Return the temporary path for a file named as the main one, with another suffix.

        Raises:
            ValueError: There is no main file.
        """
        if self.main is None:
            raise ValueError("there is no main file")
        return self.add(self.main.with_suffix(suffix))

    def folder(self, path: Path, names: Sequence[str]) -> list[Path]:
        """Return the temporary paths for all files of a new folder.

        Raises:
            UsageError: The path exists already, and is not an empty folder.
            DataError: The folder cannot be written.
        """
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise UsageError(f"{path} is there already; name another folder with -o/--output")
        temporary = self._stack.enter_context(replacing_folder(path))
        self.written += [path / name for name in names]
        return [temporary / name for name in names]

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
        if isinstance(error, DataError) and str(error.path) in self._temporary:
            # The message names the file, not its temporary sibling.
            real = self._temporary[str(error.path)]
            raise DataError(error.problem, path=real, remedy=error.remedy) from error
