"""How often metre, grid and representation of a file are those that somebody judged them to be.

    python benchmarks/grids.py FOLDER benchmarks/grids_judgement.csv --draw wild

The table has the columns `file`, below the folder, `meter`, `grid` and `kind`, each with all
answers that are right, separated by "|"; "-" says that none is, and is not counted. `--draw` also
counts what is chosen for 200 files of a folder below it, drawn by the seed 19.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter
from pathlib import Path

from seqvae.cli.music import MusicPresentation
from seqvae.music.domain import DOMAIN
from seqvae.music.reading.midi import read_score
from vaecore.cli.presentation import Input
from vaecore.config import read_config
from vaecore.errors import DataError

COLUMNS = ("meter", "grid", "kind")
PRESENTATION = MusicPresentation(DOMAIN)


def chosen(path: Path) -> dict[str, str]:
    """Return the metre of most notes, and the grid and representation of the model for a file."""
    score = read_score(path)
    model = PRESENTATION.choose_model([Input(path, score)], {}).model
    codec = read_config(DOMAIN.folder(model)).representation
    meter = "{}/{}".format(*score.main_stretch.metre)
    return {"meter": meter, "grid": codec.get("grid", "16"), "kind": codec["name"]}


def measure(folder: Path, table: Path) -> None:
    """Print the agreement with a table, and the misses."""
    agreed: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    with open(table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found = chosen(folder / row["file"])
            for column in COLUMNS:
                wanted = row[column].split("|")
                if wanted == ["-"]:
                    continue
                counted[column] += 1
                agreed[column] += found[column] in wanted
                if found[column] not in wanted:
                    print(f"{row['file']}: {column} {found[column]}, judged {row[column]}")
    for column in COLUMNS:
        print(f"{column:6} {agreed[column]:3} of {counted[column]}")


def draw(folder: Path, files: int) -> None:
    """Print what is chosen for files of a folder, the most frequent first."""
    found = random.Random(19).sample(sorted(folder.rglob("*.mid")), files)
    choices: Counter[str] = Counter()
    for path in found:
        try:
            choices[" ".join(chosen(path).values())] += 1
        except DataError as error:
            choices[f"refused: {error}"] += 1
    for choice, number in choices.most_common():
        print(f"{number:4}  {choice}")


def main() -> None:
    """Measure one table, and draw files if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("judgement", type=Path)
    parser.add_argument("--draw", help="a folder below FOLDER")
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    measure(arguments.folder, arguments.judgement)
    if arguments.draw:
        draw(arguments.folder / arguments.draw, arguments.files)


if __name__ == "__main__":
    main()
