"""How often the part that is taken for the melody is one that somebody judged to be it.

    python benchmarks/parts.py FOLDER JUDGEMENT.csv [JUDGEMENT.csv ...]

A table has the columns `file`, below the folder, and `melody`: the parts that are right, as
TRACK/CHANNEL, separated by "|"; the first track of a file is 0, the first channel 1. Several are
right where tracks double each other, or take turns. "-" says that no part is, so that musicians
would not agree: the file is not counted.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from pathlib import Path

from seqvae.music.reading.midi import read_score
from seqvae.music.representations.parts import Part, parts


def main() -> None:
    """Print for each table the agreement, by the first folder of each file, and the misses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("judgement", type=Path, nargs="+")
    arguments = parser.parse_args()
    for path in arguments.judgement:
        measure(arguments.folder, path)


def measure(folder: Path, path: Path) -> None:
    """Print the agreement with one table."""
    right: dict[str, list[bool]] = defaultdict(list)
    first = top = 0
    chance = 0.0
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    print(path)
    for row in rows:
        wanted = row["melody"].split("|")
        if wanted == ["-"]:
            continue
        found = [part for part in parts(read_score(folder / row["file"])) if not part.is_drum]
        taken = next((part for part in found if part.role == "melody"), None)
        name = "none" if taken is None else place(taken)
        right[row["file"].split("/")[0]].append(name in wanted)
        first += name == wanted[0]
        top += place(found[0]) in wanted
        chance += sum(place(part) in wanted for part in found) / len(found)
        if name not in wanted:
            why = "" if taken is None else f" ({taken.why})"
            print(f"  {row['file']}: {name}{why}, judged {row['melody']}")
    total, agreed = sum(map(len, right.values())), sum(map(sum, right.values()))
    for kind, values in sorted(right.items()):
        print(f"{kind:24} {sum(values):4} of {len(values)}")
    low, high = interval(agreed, total)
    print(f"{'all':24} {agreed:4} of {total}, 95 % interval {low:.1%} to {high:.1%}")
    print(f"{'the one named first':24} {first:4} of {total}")
    print(f"{'the first pitched part':24} {top:4} of {total}")
    print(f"{'a part drawn at random':24} {chance:6.1f} of {total}")
    print(f"{'without an answer':24} {len(rows) - total:4}\n")


def place(part: Part) -> str:
    """Return where a part is, as the tables have it."""
    return f"{part.track}/{part.channel}"


def interval(agreed: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    z, share = 1.96, agreed / total
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


if __name__ == "__main__":
    main()
