"""How often the part that is taken for the melody is the one that somebody judged to be it.

    python benchmarks/parts.py FOLDER JUDGEMENT.csv

The table has the columns `file`, below the folder, and `melody`: the parts that are right, as
TRACK/CHANNEL, separated by "|"; the first track of a file is 0, the first channel 1. Several are
right where tracks double each other, or take turns.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from seqvae.music.reading.midi import read_score
from seqvae.music.representations.parts import parts


def main() -> None:
    """Print the agreement, by the first folder of each file, and the files without it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("judgement", type=Path)
    arguments = parser.parse_args()
    right: dict[str, list[bool]] = defaultdict(list)
    first = 0
    with open(arguments.judgement, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = parts(read_score(arguments.folder / row["file"]))
        taken = next((part for part in found if part.role == "melody"), None)
        name = "none" if taken is None else f"{taken.track}/{taken.channel}"
        wanted = row["melody"].split("|")
        right[row["file"].split("/")[0]].append(name in wanted)
        first += name == wanted[0]
        if name not in wanted:
            why = "" if taken is None else f" ({taken.why})"
            print(f"{row['file']}: {name}{why}, judged {row['melody']}")
    total = sum(map(len, right.values()))
    print()
    for kind, values in sorted(right.items()):
        print(f"{kind:12} {sum(values):4} of {len(values)}")
    print(f"{'all':12} {sum(map(sum, right.values())):4} of {total}")
    print(f"{'first named':12} {first:4} of {total}")


if __name__ == "__main__":
    main()
