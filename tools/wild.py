"""Run commands on other people's files, in one process, and count results and refusals.

    python -m tools.wild MIDI_FOLDER [--photos FOLDER] [--most 1000]

Every file goes through `interpolate` (with a file of data/) and `show`, the folder through
`prepare`, every photograph through `morph`. Prints the results of each verb, with the refusals
counted by reason. The exit code is 1 if any answer was unexpected.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tempfile
import time
from collections import Counter
from copy import copy
from pathlib import Path
from typing import Any

from vaecore.domain import Domain

ROOT = Path(__file__).resolve().parents[1]
SLOW = 20.0
"""CPU seconds from which on a file is reported as slow."""


def load_once() -> None:
    """Cache loaded models; each command would load its own."""
    load, kept = Domain.load, {}

    def cached(domain: Domain, model: str | Path, device: str = "cpu") -> Any:
        key = (str(domain.box), str(model))
        if key not in kept:
            kept[key] = load(domain, model, device)
        return copy(kept[key])

    Domain.load = cached  # type: ignore[method-assign]


def call(group: Any, arguments: list[str]) -> tuple[int, str]:
    """Return the exit code of a command, and its last line of stderr that is an error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            group.main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        else:
            code = 0
    lines = [line for line in err.getvalue().splitlines() if line.startswith("Error")]
    return code, lines[-1] if lines else ""


def reason(error: str, path: Path) -> str:
    """Return an error without the file's name and numbers."""
    text = error.removeprefix("Error: ").replace(f"{path}: ", "", 1).replace(str(path), "it")
    text = text.replace(f"{ROOT}/data/", "").partition(";")[0]
    return re.sub(r"\d[\d.:,]*", "N", text)[:90]


def through(group: Any, verb: str, files: list[Path], rest: list[str]) -> bool:
    """Run a verb on files, and print the table; return whether all answers were expected."""
    answers: Counter[str] = Counter()
    fine, total = True, time.process_time()
    for path in files:
        begin = time.process_time()
        code, error = call(group, [verb, str(path), *rest])
        spent = time.process_time() - begin
        if spent > SLOW:
            print(f"SLOW {verb} {path}: {spent:.0f} s")
        if "unexpected" in error or code not in (0, 1):
            fine = False
            print(f"FAULT {verb} {path}: {code} {error}")
        answers["made" if code == 0 else reason(error, path)] += 1
    print(f"\n{verb}: {len(files)} files, {time.process_time() - total:.0f} CPU seconds")
    for answer, count in answers.most_common():
        print(f"  {count:5}  {answer}")
    sys.stdout.flush()
    return fine


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("midi", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--most", type=int, default=1000)
    options = parser.parse_args()
    import facevae.cli
    import seqvae.cli

    load_once()
    files = sorted(path for path in options.midi.rglob("*") if path.is_file())[: options.most]
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        song, film = str(Path(folder, "a.mid")), str(Path(folder, "a.gif"))
        group = seqvae.cli.command()
        rest = [str(ROOT / "data/rock.mid"), "--steps", "3", "-o", song]
        fine &= through(group, "show", files, [])
        fine &= through(group, "interpolate", files, rest)
        code, error = call(group, ["prepare", str(options.midi), "-o", f"{folder}/shards", "-q",
                                   "--representation", "melody"])  # fmt: skip
        print(f"\nprepare: exit code {code} {error}", flush=True)
        fine &= code == 0
        if options.photos:
            photos = sorted(p for p in options.photos.rglob("*") if p.is_file())[: options.most]
            rest = [str(ROOT / "data/ada.png"), "--steps", "3", "-o", film]
            fine &= through(facevae.cli.command(), "morph", photos, rest)
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
