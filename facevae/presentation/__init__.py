"""Contact sheets of faces, and films as GIF or MP4.

    sheet    many pictures on one page, with captions
    film     a morph in motion: frames, their times, GIF and MP4

All of them take PIL images. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facevae.presentation.film import Film, write_gif, write_mp4
    from facevae.presentation.sheet import contact_sheet, enlarge

__all__ = ["Film", "contact_sheet", "enlarge", "write_gif", "write_mp4"]

_HOMES = {
    "Film": "film",
    "enlarge": "sheet",
    "contact_sheet": "sheet",
    "write_gif": "film",
    "write_mp4": "film",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
