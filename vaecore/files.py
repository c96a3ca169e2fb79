"""Writing files so that nothing half-written is ever left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaecore.errors import DataError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary sibling of `path`, and rename it to `path` if the block succeeds.

    The sibling keeps the suffix of `path`, since many writers choose their format by it.

    Raises:
        DataError: `path` cannot be written (no such folder, a directory, no permission, disk full).
    """
    target = Path(path)
    if target.is_dir():
        raise DataError("is a directory", path=target, remedy="name a file for the output")
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files private to the user; outputs get the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"cannot be written ({reason.lower()})",
            path=target,
            remedy="choose another -o/--output",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place if the block succeeds.

    Whatever is in `path` by then is deleted: the caller decides whether it may be.

    Raises:
        DataError: `path` cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            fresh, old = temporary / "new", temporary / "old"
            fresh.mkdir()
            yield fresh
            if target.exists():
                target.rename(old)
            fresh.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            f"cannot be written ({reason})", path=target, remedy="choose another -o/--output"
        ) from error
