"""Finds the checkpoint at a path: a prefix, a folder, or an archive."""

from __future__ import annotations

import re
import tarfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path, PurePosixPath
from typing import IO

from seqvae.music.magenta.bundle import Bundle
from seqvae.music.magenta.checkpoint import DAMAGED, FILE
from seqvae.music.magenta.tfjs import CONFIG, MANIFEST
from vaecore.errors import DataError
from vaecore.reading import Kind, open_file, read_text

NAMES = Kind("list of checkpoints", 1 << 20, "name the checkpoint itself")

_DATA = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
LATEST = "checkpoint"
"""TensorFlow's file that names the latest checkpoint of a folder."""
_LATEST = re.compile(r'^model_checkpoint_path:\s*"([^"]+)"', re.MULTILINE)


def is_web(path: Path) -> bool:
    """Return whether a folder has a checkpoint of magenta.js."""
    # A folder with config.json alone counts, too: reading it reports that the manifest is missing.
    lost = (path / CONFIG).is_file() and not any(path.glob("*.index"))
    return lost or (path / MANIFEST).is_file()


def open_bundle(path: Path) -> Bundle:
    """Open a checkpoint of TensorFlow.

    Args:
        path: A prefix (the files' name without `.index`), or one of the files; or a folder or a tar
            archive with one checkpoint, or with TensorFlow's file `checkpoint`, which names one.

    Raises:
        DataError: There is no checkpoint, or there are several.
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
        except DAMAGED as error:
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
    latest = folder / LATEST
    if len(names) > 1 and latest.is_file():
        names = _latest(names, read_text(latest, NAMES))
    return _of_prefix(folder / _only(names, folder, f"name one: {folder}/NAME"))


def _of_archive(path: Path, file: IO[bytes]) -> Bundle:
    """Open a checkpoint in a tar archive, without unpacking it or following links in it."""
    archive = tarfile.open(fileobj=file)  # noqa: SIM115  # the checkpoint reads from it later
    files: dict[str, dict[str, tarfile.TarInfo]] = {}
    latest = last = None
    cut = ""
    try:
        for last in archive:
            found = _DATA.search(last.name)
            if last.isreg() and found:
                prefix = last.name[: found.start()]
                files.setdefault(prefix, {})[PurePosixPath(last.name).name] = last
            elif last.isreg() and PurePosixPath(last.name).name == LATEST:
                latest = last
    except DAMAGED:
        if last is None:
            raise
        cut = f"ends within {PurePosixPath(last.name).name}, which has {last.size} bytes"
    prefixes = [prefix for prefix, own in files.items() if any(n.endswith(".index") for n in own)]
    if cut and not prefixes:
        raise DataError(cut, path=path, remedy="get it again")
    listed = archive.extractfile(latest) if latest and len(prefixes) > 1 else None
    if listed is not None:
        prefixes = _latest(prefixes, listed.read(NAMES.most).decode("utf-8", "replace"))
    prefix = _only(prefixes, path, "unpack it, and name one")

    def find(name: str) -> AbstractContextManager[IO[bytes]] | None:
        member = files[prefix].get(name)
        return None if member is None else archive.extractfile(member)

    return Bundle(find, PurePosixPath(prefix).name, str(path))


def _latest(prefixes: list[str], text: str) -> list[str]:
    """Return those of some checkpoints that TensorFlow's file `checkpoint` names, or else all."""
    found = _LATEST.search(text)
    wanted = re.split(r"[/\\]", found[1])[-1] if found else ""
    return [each for each in prefixes if PurePosixPath(each).name == wanted] or prefixes


def _only(names: list[str], place: Path, remedy: str) -> str:
    """Return the only checkpoint of a place, refusing none and several."""
    if not names:
        text = "has no checkpoint: no .index file of TensorFlow, no weights_manifest.json"
        raise DataError(text, path=place)
    if len(names) > 1:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise DataError(f"has {len(names)} checkpoints ({shown})", path=place, remedy=remedy)
    return names[0]
