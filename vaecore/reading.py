"""Reading untrusted files: all files that users name are opened here.

A file must be regular (a pipe, a device or a socket may never end) and not larger than its kind
allows; both are checked before it is opened, and again on the open file. Text must be UTF-8. JSON
and YAML have limits on depth and on the number of values. Every refusal is a `DataError` that names
the file, the place in it and the remedy.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from vaecore.errors import DataError
from vaecore.parsing import parse_json, parse_yaml

_CHECK_NAME, _CHECK_RIGHTS = "check the name", "check the name and its rights"
_NAME_A_FILE = "name a file in it"

PathLike = str | os.PathLike[str]


class Kind(NamedTuple):
    """A kind of file: its name in messages, its size limit, and the remedy if it is unusable."""

    what: str
    """Completes "is no ..."."""
    most: int
    """Largest size in bytes."""
    remedy: str


CONFIGURATION = Kind("configuration of a model", 1 << 20, "get the model folder again")
TENSORS = Kind("safetensors file", 1 << 30, "get it again, or make it again")
CHECKPOINT = Kind("checkpoint that can be read", 1 << 34, "train without resuming")
RECIPES = Kind("file of presets", 1 << 18, "write it like presets.yaml; see docs/engineer.md")
DRUM_MAP = Kind("drum map", 1 << 16, "write one line for each key, such as 36: kick")
LABELS = Kind("table of labels", 200_000_000, "divide it")
SENTENCES = Kind("text", 1 << 30, "divide it")
SUMMARY = Kind("summary of shards", 1 << 28, "make the folder with seqvae prepare")
SHARD = Kind("shard of windows", 1 << 30, "make it with seqvae prepare")
BEATS = Kind("list of beats", 1 << 20, "repair it or remove it to take the bars from the MIDI file")
MUSIC = Kind("MIDI file", 4_000_000, "cut out the part you want and try again")
IMAGE = Kind("image", 500_000_000, "give a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF image")
CARD_TEXT = Kind("card of a model", 1 << 20, "shorten it")
SOUNDFONT = Kind("SoundFont", 1 << 30, "give a .sf2 file")
_BY_HAND = (RECIPES, DRUM_MAP)
"""Kinds that people write themselves: their remedy holds for empty files, too."""


def check_file(path: PathLike, kind: Kind) -> os.stat_result:
    """Return the size and other metadata of a file, without opening it.

    Raises:
        DataError: It does not exist, is not a regular file, is empty or too large.
    """
    with _refusals(path):
        facts = os.stat(path)
        _check(facts, path, kind)
        return facts


def check_files(paths: Sequence[Path]) -> None:
    """Check that paths are files, before slow imports.

    Raises:
        DataError: A path does not exist, or is a folder.
    """
    for path in paths:
        if path.is_dir():
            raise DataError("is a folder", path=path, remedy=_NAME_A_FILE)
        if not path.exists():
            raise DataError("does not exist", path=path, remedy=_CHECK_NAME)


def files_below(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield folders, their subfolders and file names, as `os.walk`, which skips unreadable ones.

    Raises:
        DataError: A folder, at any depth, cannot be read.
    """

    def refuse(error: OSError) -> None:
        with _refusals(error.filename):
            raise error

    for here, below, names in os.walk(folder, onerror=refuse):
        yield Path(here), below, names


def open_file(path: PathLike, kind: Kind) -> IO[bytes]:
    """Open a file to read, checked as by `check_file`; the caller closes it."""
    with _refusals(path):
        _check(os.stat(path), path, kind)
        # The file may have been replaced by a pipe since: opening must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
        file = os.fdopen(handle, "rb")
    try:
        _check(os.fstat(handle), path, kind)
    except BaseException:
        file.close()
        raise
    return file


_BINARY = getattr(os, "O_BINARY", 0)


def read_bytes(path: PathLike, kind: Kind) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: As for `check_file`, or it cannot be read.
    """
    with open_file(path, kind) as file, _refusals(path):
        data = file.read(kind.most + 1)
    if len(data) > kind.most:  # it grew
        raise _too_large(len(data), path, kind)
    return data


def read_text(path: PathLike, kind: Kind) -> str:
    """Return the text of a file in UTF-8, without its byte order mark.

    Raises:
        DataError: As for `check_file`, or it is not UTF-8; the place is named.
    """
    return decoded(read_bytes(path, kind), path)


def decoded(data: bytes, path: PathLike) -> str:
    """Return bytes of a file as text, without a byte order mark.

    Args:
        data: The bytes.
        path: The file, for the message.

    Raises:
        DataError: They are not UTF-8; the line is named.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"is not UTF-8 text (line {line}, byte {error.start})"
        raise DataError(problem, path=path, remedy="save it as UTF-8") from None


def read_json(path: PathLike, kind: Kind) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        DataError: As for `read_text`, or it is not a JSON object, or exceeds a limit.
    """
    return _parsed(parse_json, path, kind)


def read_yaml(path: PathLike, kind: Kind) -> dict[Any, Any]:
    """Return the mapping in a YAML file.

    Raises:
        DataError: As for `read_text`, or it is not a YAML mapping, or exceeds a limit.
    """
    return _parsed(parse_yaml, path, kind)


def _parsed(parse: Callable[[str], Any], path: PathLike, kind: Kind) -> dict[Any, Any]:
    try:
        values = parse(read_text(path, kind))
    except ValueError as error:
        raise DataError(f"is no {kind.what}: {error}", path=path, remedy=kind.remedy) from None
    if not isinstance(values, dict):
        raise DataError(f"is no {kind.what}", path=path, remedy=kind.remedy)
    return values


def _check(facts: os.stat_result, path: PathLike, kind: Kind) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise DataError("is a folder", path=path, remedy=_NAME_A_FILE)
    if not stat.S_ISREG(facts.st_mode):
        remedy = "copy its content to a file, and name that"
        raise DataError("is not a regular file", path=path, remedy=remedy)
    if facts.st_size == 0:
        remedy = kind.remedy if kind in _BY_HAND else "get it or make it again"
        raise DataError("is empty", path=path, remedy=remedy)
    if facts.st_size > kind.most:
        raise _too_large(facts.st_size, path, kind)


def _too_large(size: int, path: PathLike, kind: Kind) -> DataError:
    text = f"is too large ({_megabytes(size)}; at most {_megabytes(kind.most)} are read)"
    return DataError(text, path=path, remedy=kind.remedy)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 2e6 else f"{size / 1e3:,.0f} kB"


@contextmanager
def _refusals(path: PathLike) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError("does not exist", path=path, remedy=_CHECK_NAME) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot be read ({reason})", path=path, remedy=_CHECK_RIGHTS) from error
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise DataError("is not a file name", path=repr(path), remedy=_CHECK_NAME) from None
