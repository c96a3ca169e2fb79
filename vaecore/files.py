"""Atomic writing: a file or folder appears as a whole, or not at all.

Data are written to a temporary sibling, whose name holds the writing process, and then renamed.
Siblings left by a killed process are removed by the next one that writes into the same folder.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from platform import node

from vaecore.errors import DataError, UsageError

_REMEDY = "choose another -o/--output"
_LONGEST_SUFFIX = 12
_FULL_BYTES = 1 << 16
"""A disk with less free space than this counts as full."""


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary sibling of `path`, and rename it to `path` if the block succeeds.

    The sibling keeps the suffix of `path`, since many writers choose their format by it.

    Raises:
        DataError: `path` cannot be written (no such folder, a directory, no permission, disk full).
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        if _is_folder(target):
            raise DataError("is a directory", path=target, remedy="name a file for the output")
        sweep(target.parent)
        plain = target.suffix.isascii() and len(target.suffix) <= _LONGEST_SUFFIX
        suffix = target.suffix if plain else ""
        handle, name = tempfile.mkstemp(prefix=_prefix(), suffix=suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files private to the user; outputs get the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        raise _unwritable(error.strerror or str(error), target) from error
    except (DataError, UsageError):
        raise
    except Exception as error:  # many writers raise exceptions of their own for a full disk
        reason = _obstacle(temporary) if temporary is not None else None
        if reason is not None:
            raise _unwritable(reason, target) from error
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder, and rename it to `path` if the block succeeds.

    What `path` holds by then is deleted; the caller checks whether that is allowed.

    Raises:
        DataError: `path` cannot be written.
    """
    target = Path(path)
    try:
        _is_folder(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent)
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(), dir=target.parent))
        try:
            fresh, old = temporary / "new", temporary / "old"
            fresh.mkdir()
            yield fresh
            if target.is_dir() and any(target.iterdir()):
                target.rename(old)
            elif target.exists():
                target.rmdir()
            fresh.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _unwritable(error.strerror or str(error), target) from error
    except (DataError, UsageError):
        raise
    except Exception as error:
        if _is_full(target.parent):
            raise _unwritable("no space left on device", target) from error
        raise


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder.

    Unlike `Path.is_dir`, which is False for a name that is too long from Python 3.14 on.

    Raises:
        OSError: The name is impossible, or a folder above it may not be read.
    """
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def locked(path: Path, problem: str) -> Iterator[None]:
    """Hold a lock, which also ends with the process; without effect on Windows.

    Args:
        path: A file, created if needed, or a folder.
        problem: The error message if another process holds the lock.

    Raises:
        UsageError: Another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(problem) from None
    try:
        yield
    finally:
        os.close(handle)


def aside(folder: Path) -> Path:
    """Return a path in a folder that `sweep` removes once this process has ended."""
    return folder / f"{_prefix()}aside"


def sweep(folder: Path) -> None:
    """Remove temporary files and folders of processes on this machine that no longer run."""
    place = os.path.abspath(folder)
    if os.name == "nt" or place in _swept:  # on Windows, os.kill(process, 0) ends the process
        return
    _swept.add(place)
    begin = _prefix().rpartition("-")[0].rpartition("-")[0] + "-"
    with suppress(OSError):
        for left in [entry for entry in os.scandir(folder) if entry.name.startswith(begin)]:
            process = left.name[len(begin) :].partition("-")[0]
            if not process.isdecimal() or _runs(int(process)):
                continue
            if not left.is_dir(follow_symlinks=False):
                os.unlink(left.path)
            elif not os.path.exists(os.path.join(left.path, "old")):  # the user's former folder
                shutil.rmtree(left.path, ignore_errors=True)


_swept: set[str] = set()
"""Folders that this process has swept; once is enough."""


def _prefix() -> str:
    return f".vae-{_machine()}-{os.getpid()}-"


@cache
def _machine() -> str:
    """Return a hash of this machine and its process namespace (containers have their own)."""
    numbering = ""
    with suppress(OSError):
        numbering = os.readlink("/proc/self/ns/pid")
    return blake2b(f"{node()} {numbering}".encode(), digest_size=4).hexdigest()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _obstacle(file: Path) -> str | None:
    """Return why a file cannot grow (disk full, quota, size limit); None if it can."""
    try:
        with open(file, "ab") as more:
            more.write(bytes(_FULL_BYTES))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _is_full(folder: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(folder).free < _FULL_BYTES
    return False


def _unwritable(reason: str, target: Path) -> DataError:
    return DataError(f"cannot be written ({reason.lower()})", path=target, remedy=_REMEDY)
