"""Do exported models compute what Python does? Every shipped model in every format.

    python benchmarks/export.py [MODEL.ENDING ...] [--codes 500] [--folder FOLDER]

Codes are drawn from the model's prior and decoded by the file, at temperature 0 and at temperature
1 with the same noise; what Python draws for them is encoded by the file. `greedy` and `drawn` are
how many of the examples are other ones, the rest are largest differences. ONNX files run in
onnxruntime, the others in PyTorch, on one core. Files that are in the folder already are not
written again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

import facevae
import seqvae
from vaecore.cli.outputs import Outputs
from vaecore.export import FORMATS, compare, export, graphs_of, places
from vaecore.export.writing import load

COLUMNS = ("greedy", "drawn", "logits", "values", "mean", "stddev", "prior")
ENDINGS = (".onnx", ".pt2", ".ts")


def row(name: str, ending: str, codes: int, folder: Path) -> str:
    """Write a model if it is not there, compare it with Python, and return a row of the table."""
    package = facevae if name in facevae.models() else seqvae
    space = package.load(name)
    path = folder / f"{name}{ending}"
    if not path.exists():
        with Outputs(path) as outputs:
            export(space, path, outputs)
    found = graphs_of(space)
    files = places(path, [graph.role for graph in found])
    begun = time.process_time()
    functions = load(FORMATS[ending], found, files)
    seconds = time.process_time() - begun
    differences = vars(compare(space, functions, codes))
    megabytes = sum(file.stat().st_size for file in set(files.values())) / 1e6
    shown = (_shown(differences[column]) for column in COLUMNS)
    return f"| {name} | {ending} | {megabytes:.1f} | {seconds:.1f} | {' | '.join(shown)} |"


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.0e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL.ENDING")
    parser.add_argument("--codes", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [*seqvae.models(), *facevae.models()]
    chosen = options.models or [f"{name}{ending}" for name in names for ending in ENDINGS]
    print(f"| model | file | MB | s to load | {' | '.join(COLUMNS)} |")
    print("|---|---|---:|---:|" + "---:|" * len(COLUMNS))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for each in chosen:
            name, _, ending = each.partition(".")
            print(row(name, f".{ending}", options.codes, folder), flush=True)


if __name__ == "__main__":
    main()
