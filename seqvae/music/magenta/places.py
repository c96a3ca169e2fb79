"""Where a checkpoint is: a prefix, a folder, or the released archive."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path, PurePosixPath
from typing import IO

from seqvae.music.magenta.bundle import Bundle
from seqvae.music.magenta.checkpoint import FILE
from seqvae.music.magenta.tfjs import MANIFEST
from vaecore.errors import DataError
from vaecore.reading import Kind, open_file, read_text

NAMES = Kind("list of checkpoints", 1 << 20, "name the checkpoint itself")

_DATA = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
_LATEST = re.compile(r'^model_checkpoint_path:\s*"([^"]+)"', re.MULTILINE)


def is_web(path: Path) -> bool:
    """Return whether a folder has a checkpoint of magenta.js."""
    return (path / MANIFEST).is_file()


def open_bundle(path: Path) -> Bundle:
    """Open a checkpoint of TensorFlow.

    Args:
        path: A prefix (the name of the files without `.index`), one of the files, a folder with one
            checkpoint or with TensorFlow's file `checkpoint`, which names the latest; or a tar with
            one checkpoint.

    Raises:
        DataError: There is none, or there are several.
    """
    if path.is_dir():
        return _of_folder(path)
    prefix = path.with_name(_DATA.sub("", path.name))
    if prefix.with_name(f"{prefix.name}.index").is_file():
        return _of_prefix(prefix)
    if not path.exists():
        remedy = "name a folder, a .tar, or the files' name without .index"
        raise DataError("does not exist", path=path, remedy=remedy)
    with ExitStack() as stack:
        file = open_file(path, FILE)
        stack.callback(file.close)
        try:
            found = _of_archive(path, file)
        except (tarfile.TarError, EOFError, OSError) as error:
            problem = "is neither a checkpoint nor a tar that can be read"
            raise DataError(problem, path=path) from error
        stack.pop_all()  # the checkpoint reads from it
    return found


def _of_prefix(prefix: Path) -> Bundle:
    def find(name: str) -> AbstractContextManager[IO[bytes]] | None:
        file = prefix.with_name(name)
        return open_file(file, FILE) if file.exists() else None

    return Bundle(find, prefix.name, str(prefix))


def _of_folder(folder: Path) -> Bundle:
    names = sorted(path.name.removesuffix(".index") for path in folder.glob("*.index"))
    latest = folder / "checkpoint"
    if len(names) > 1 and latest.is_file():
        found = _LATEST.search(read_text(latest, NAMES))
        wanted = re.split(r"[/\\]", found[1])[-1] if found else ""
        names = [name for name in names if name == wanted] or names
    return _of_prefix(folder / _only(names, folder))


def _of_archive(path: Path, file: IO[bytes]) -> Bundle:
    """Open a checkpoint in a tar; nothing is unpacked, and links in it are not followed."""
    archive = tarfile.open(fileobj=file)  # noqa: SIM115  # open as long as the checkpoint
    files: dict[str, Mapping[str, tarfile.TarInfo]] = {}
    for member in archive:
        found = _DATA.search(member.name)
        if member.isreg() and found:
            prefix = member.name[: found.start()]
            files.setdefault(prefix, {})
            files[prefix] = {**files[prefix], PurePosixPath(member.name).name: member}
    prefixes = [prefix for prefix, own in files.items() if any(n.endswith(".index") for n in own)]
    prefix = _only(prefixes, path)

    def find(name: str) -> AbstractContextManager[IO[bytes]] | None:
        member = files[prefix].get(name)
        return None if member is None else archive.extractfile(member)

    return Bundle(find, PurePosixPath(prefix).name, str(path))


def _only(names: list[str], place: Path) -> str:
    """Return the one checkpoint of a place.

    Raises:
        DataError: There is none, or there are several.
    """
    if not names:
        raise DataError(
            "has no checkpoint: no .index file of TensorFlow, no weights_manifest.json",
            path=place,
        )
    if len(names) > 1:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        remedy = f"name one: {place}/NAME"
        raise DataError(f"has {len(names)} checkpoints ({shown})", path=place, remedy=remedy)
    return names[0]
