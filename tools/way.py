"""List the functions that an input passes in a verb.

    python tools/way.py seqvae interpolate a.mid b.mid

Runs the command and records every call of a function of this project with the first input as an
argument, in any of its forms: its path, what was read, its windows or pictures, the results.
Repeated calls within one file count once, and so do the rounds of a loop (over inputs or results).
Prints the files in order, with the functions called in each, and how often the path returns to a
file that it had left.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGES = ("vaecore", "seqvae", "facevae")
FORMS = {
    "Score", "Piece", "Notes", "Phrase", "Window", "Windows", "Found", "Example", "Examples",
    "Context", "PrettyMIDI", "Image", "JpegImageFile", "PngImageFile", "Framing", "Photograph",
    "Input", "Chosen", "Source", "Result", "Grid",
}  # fmt: skip
"""Names of the types that hold the data of an input."""


def main() -> None:
    """Trace the command that the arguments name."""
    command, *arguments = sys.argv[1:]
    inputs = {a for a in arguments if Path(a).is_file()}
    root = Path(next(p for p in [*sys.path[1:], "."] if (Path(p) / "vaecore").is_dir())).resolve()
    calls: list[tuple[str, str]] = []

    def holds(value: Any, depth: int = 2) -> bool:
        if isinstance(value, str | Path):
            return str(value) in inputs
        kind = type(value)
        if kind.__name__ in FORMS and not kind.__module__.startswith("click"):
            return True
        if depth and isinstance(value, list | tuple) and value:
            return holds(value[0], depth - 1)
        return False

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        path = code.co_filename
        if not path.startswith(str(root)) or code.co_name.startswith("<"):
            return
        place = Path(path).relative_to(root)
        if place.parts[0] not in PACKAGES:
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in names]
        if any(holds(value) for value in values):
            calls.append((str(place), code.co_name))

    sys.argv = [command, *arguments]
    module = __import__(f"{command}.cli", fromlist=["command"])
    group = module.command()
    sys.setprofile(profile)
    try:
        group.main(arguments, standalone_mode=False)
    finally:
        sys.setprofile(None)
    seen: set[str] = set()
    returns = visited = 0
    visits = [
        (place, tuple(dict.fromkeys(name for _, name in part)))
        for place, part in groupby(calls, key=lambda call: call[0])
    ]
    for place, functions in _without_loops(visits):
        back = place in seen
        returns, visited = returns + back, visited + 1
        seen.add(place)
        print(f"{'back to ' if back else ''}{place}: {', '.join(functions)}")
    print(f"{visited} visits of {len(seen)} files, {returns} returns to a file already left")


def _without_loops(visits: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the visits with every round of a loop but the first left out."""
    length = 1
    while length <= len(visits) // 2:
        at = 0
        while at + 2 * length <= len(visits):
            if visits[at : at + length] == visits[at + length : at + 2 * length]:
                del visits[at + length : at + 2 * length]
            else:
                at += 1
        length += 1
    return visits


if __name__ == "__main__":
    main()
