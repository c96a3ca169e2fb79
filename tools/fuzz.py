"""Give damaged files to every reader, for a given time, and count what was read and refused.

    python -m tools.fuzz --seconds 60 [--doors music image] [--seed 1] [--atheris]

Each reader of `tests/fuzzing.py` (a "door") gets an equal share of the time. A fault is printed,
and its file is kept in the folder `--keep`; the exit code is then 1. With --atheris (a package for
Linux), one reader is fuzzed guided by coverage instead, without end.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from fuzzing import DOORS, WAYS, Change, outcome

PACKAGES = ["vaecore", "seqvae", "facevae", "mido", "pretty_midi", "safetensors"]
"""Packages whose coverage guides atheris."""


def draw(source: random.Random) -> list[Change]:
    """Return one to four random changes of a file."""
    return [
        (source.randrange(WAYS), source.random(), source.randrange(41), source.randrange(256))
        for _ in range(source.randint(1, 4))
    ]


def run(name: str, seconds: float, seed: int, folder: Path, keep: Path) -> tuple[Counter[str], int]:
    """Fuzz a reader for some seconds; return counts of its answers, and the number of faults."""
    door, source, faults = DOORS[name], random.Random(f"{name}{seed}"), 0
    seeds, answers, end = door.seeds(), Counter[str](), time.monotonic() + seconds
    while time.monotonic() < end:
        data = door.change(source.choice(seeds), draw(source))
        begin = time.process_time()
        try:
            answer = outcome(door, data, folder / "file")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            faults += 1
            keep.mkdir(parents=True, exist_ok=True)
            kept = keep / f"{name.replace(' ', '_')}-{faults}-{door.name}"
            kept.write_bytes(data)
            print(f"FAULT {name}: {kept}", "".join(traceback.format_exception(error)[-3:]))
            answer = "fault"
        if time.process_time() - begin > 20:
            print(f"SLOW {name}: {time.process_time() - begin:.0f} s, {len(data)} bytes")
        answers[answer.partition(":")[0]] += 1
    return answers, faults


def cover(name: str) -> None:
    """Fuzz a reader guided by coverage with atheris, seeded with its files."""
    import atheris

    door = DOORS[name]
    folder, place = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp()) / "file"
    with atheris.instrument_imports(include=PACKAGES):  # those of torch would take minutes
        for number, data in enumerate(door.seeds()):
            (folder / f"{number}").write_bytes(data)
        outcome(door, data, place)
    atheris.Setup([sys.argv[0], str(folder)], lambda data: outcome(door, data, place))
    atheris.Fuzz()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--doors", nargs="*", default=list(DOORS), choices=list(DOORS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("faults"))
    parser.add_argument("--atheris", action="store_true")
    options = parser.parse_args()
    if options.atheris:
        cover(options.doors[0])
        return 0
    total, faults = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.doors:
            share = options.seconds / len(options.doors)
            answers, found = run(name, share, options.seed, Path(folder), options.keep)
            total, faults = total + sum(answers.values()), faults + found
            print(f"{name:14} {sum(answers.values()):8,}  {dict(answers)}", flush=True)
    print(f"{total:,} damaged files, {faults} faults")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
