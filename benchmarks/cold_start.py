"""How long does a command take, from the shell and back?

    python benchmarks/cold_start.py

Whole processes, taken in turns, on example files of this repository; medians. `import torch` is
what any tool over torch must pay; Magenta's `--mode=interpolate` with five outputs took 6.4 s for
`cat-drums_2bar_small` on two cores of a Zen 4.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
from machine import about

DATA = Path(__file__).parents[1] / "data"


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Return seconds and GiB of a process."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise click.ClickException(
            f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}"
        )
    return time.perf_counter() - begun, usage.ru_maxrss / 2**20


@click.command(help=__doc__)
@click.option("--repeats", default=5, show_default=True)
def main(repeats) -> None:
    bin = Path(sys.executable).parent
    seqvae, facevae = str(bin / "seqvae"), str(bin / "facevae")
    commands = {
        "python -c 'import torch'": [sys.executable, "-c", "import torch"],
        "seqvae --help": [seqvae, "--help"],
        "seqvae interpolate a.mid b.mid": [
            seqvae, "interpolate", str(DATA / "rock.mid"), str(DATA / "bossa.mid"), "-q"],
        "seqvae sample": [seqvae, "sample", "-q"],
        "facevae --help": [facevae, "--help"],
        "facevae morph a.png b.png": [
            facevae, "morph", str(DATA / "ada.png"), str(DATA / "bob.png"), "-q"],
    }  # fmt: skip
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeats + 1):
            for name, command in commands.items():
                found = run(command, folder)
                if turn:  # the first turn fills the page cache
                    taken[name].append(found)
    seconds = {name: median(s for s, _ in found) for name, found in taken.items()}
    torch = seconds["python -c 'import torch'"]
    click.echo(
        about() + "\n\n| command | seconds | of import torch | memory |\n|---|---:|---:|---:|"
    )
    for name, found in taken.items():
        memory = max(m for _, m in found)
        click.echo(
            f"| `{name}` | {seconds[name]:.2f} | {seconds[name] / torch:.2f} | {memory:.2f} GiB |"
        )


if __name__ == "__main__":
    main()
