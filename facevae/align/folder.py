"""Framing the faces of a whole folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from facevae.align.framing import frame
from facevae.images import SUFFIXES, open_image, orientation
from vaecore.errors import DataError
from vaecore.files import replacing
from vaecore.reading import files_below

if TYPE_CHECKING:
    from PIL import Image


@dataclass
class AlignReport:
    """The result of aligning a folder.

    Attributes:
        aligned: Number of photographs that were framed.
        already: Number of photographs that were framed before, and copied or resized.
        failed: Name and reason of each file without a result.
    """

    aligned: int = 0
    already: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def align_folder(
    source: Path, target: Path, size: int = 128, progress: Callable[[int, int], None] | None = None
) -> AlignReport:
    """Frame the faces of all images in a folder and below it.

    A result has the name of its source, in `target`. Files that cannot be used are listed in the
    report.

    Args:
        source: Folder of photographs; it is not changed.
        target: Folder for the results; it is made if it does not exist.
        size: Side of the results in pixels.
        progress: Called after each file with the number of files that are done, and of all.

    Raises:
        DataError: `source` has no images, the two folders are the same, or `target` cannot be
            written.
    """
    source, target = Path(source), Path(target)
    names = _images(source, target)
    report = AlignReport()
    for i, name in enumerate(names):
        try:
            framing = frame(source / name, size)
        except DataError as error:
            report.failed.append((str(name), error.problem))
        else:
            _write(framing.image, source / name, target / name, framing.framed_already)
            report.already += framing.framed_already
            report.aligned += not framing.framed_already
        if progress is not None:
            progress(i + 1, len(names))
    return report


def _images(source: Path, target: Path) -> list[Path]:
    """Return the images below a folder, relative to it, sorted; none of those in `target`."""
    if not source.is_dir():
        problem = "is not a folder" if source.exists() else "does not exist"
        raise DataError(problem, path=source, remedy="name a folder of photographs")
    if source.resolve() == target.resolve():
        remedy = "choose another -o/--output, so that no photograph is lost"
        raise DataError("is the folder of the photographs itself", path=target, remedy=remedy)
    names = []
    for here, below, files in files_below(source):
        below[:] = [name for name in below if (here / name).resolve() != target.resolve()]
        names += [
            (here / name).relative_to(source)
            for name in files
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    if not names:
        raise DataError("has no images", path=source, remedy="name a folder of photographs")
    return sorted(names)


def _write(image: Image.Image, source: Path, target: Path, framed_already: bool) -> None:
    """Write a framed face in its file type; a picture that was framed before is copied."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        remedy = "choose another -o/--output"
        raise DataError(f"cannot be made ({reason})", path=target.parent, remedy=remedy) from error
    with replacing(target) as path:
        if framed_already:
            with open_image(source) as original:
                untouched = original.size == image.size and orientation(original) in (None, 1)
            if untouched:
                shutil.copyfile(source, path)
                return
        image.save(path, quality=95)
