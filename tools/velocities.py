"""Measure how hard drums, melodies, basses and chords are usually played, by place in the bar.

    python -m tools.velocities ../shared/data/midi/{groove,freedoom,karaoke,pop909,jazz_melodies} \
        --shards shards/drums --shards shards/melody --shards shards/groove --shards shards/piano

Prints `USUAL` of seqvae/music/representations/dynamics.py. A fixed draw of files of each folder is
measured, without those that the shards have in validation and test. Each file counts once, whatever
its length; files with fewer than three different velocities in a voice are left out.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pyarrow.parquet as pq

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.reference import pieces
from seqvae.music.reading.score import STEPS_PER_BAR, Score
from seqvae.music.representations.alphabet import CLASS_OF_PITCH, DRUMS, LOWEST_PITCH
from seqvae.music.representations.piano.codec import REGISTERS
from seqvae.music.representations.piano.parts import parts
from seqvae.music.representations.piano.texture import PITCHES
from seqvae.music.representations.roles import BASS, MELODY, roles
from vaecore.cli.job import find_files
from vaecore.errors import DataError

KINDS = {"drums": DRUMS, MELODY: 1, BASS: 1, "piano": REGISTERS}
KEYS = range(LOWEST_PITCH, LOWEST_PITCH + PITCHES)


def measured(score: Score) -> dict[str, np.ndarray]:
    """Return the mean velocities of a file's voices, `(kinds, 16)`; NaN where none begins."""
    found = {}
    of = roles(score)
    for voice, kinds in KINDS.items():
        total, count = np.zeros((2, kinds, STEPS_PER_BAR))
        for piece in pieces(score):
            notes = piece.notes[piece.notes.velocity > 0]
            if voice == "drums":
                notes = notes[notes.is_drum & (CLASS_OF_PITCH[notes.pitch] >= 0)]
                kind = CLASS_OF_PITCH[notes.pitch]
            elif voice == "piano":
                mine = [number for group, many in parts(score) if many for number in group]
                notes = notes[np.isin(notes.instrument, mine) & ~notes.is_drum]
                notes = notes[np.isin(notes.pitch, KEYS)]
                kind = (notes.pitch - LOWEST_PITCH) // (PITCHES // REGISTERS)
            else:
                mine = [number for number, role in of.items() if role == voice]
                notes = notes[np.isin(notes.instrument, mine)]
                kind = np.zeros(len(notes), np.int64)
            if len(np.unique(notes.velocity)) >= 3:
                np.add.at(total, (kind, notes.start % STEPS_PER_BAR), notes.velocity)
                np.add.at(count, (kind, notes.start % STEPS_PER_BAR), 1)
        found[voice] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--files", default=120, show_default=True, help="Files of each folder.")
@click.option("--shards", multiple=True, type=click.Path(path_type=Path))
def main(folders: tuple[Path, ...], files: int, shards: tuple[Path, ...]) -> None:
    aside = {
        source
        for each in shards
        for split in ("validation", "test")
        for file in each.glob(f"{split}-*.parquet")
        for source in pq.read_table(file, columns=["source"]).column("source").unique().to_pylist()
    }
    rows: dict[str, list[np.ndarray]] = {voice: [] for voice in KINDS}
    for folder in folders:
        every = find_files([folder], (".mid", ".midi"))
        every = [p for p in every if p.relative_to(folder.parent).as_posix() not in aside]
        for at in np.random.default_rng(0).permutation(len(every))[:files]:
            try:
                found = measured(read_score(every[at]))
            except DataError:
                continue
            for voice, values in found.items():
                rows[voice].append(values)
    for voice, tables in rows.items():
        table = np.array(tables)
        some = ~np.isnan(table)
        count = some.sum(0)
        mean = np.where(some, table, 0).sum(0) / np.maximum(count, 1)
        of_kind = np.where(some, table, 0).sum((0, 2)) / np.maximum(some.sum((0, 2)), 1)
        # Shrunk towards the mean of the kind, as if there were ten more files with that.
        mean = (mean * count + of_kind[:, None] * 10) / (count + 10)
        click.echo(f'    "{voice}": (  # {int(some.any((1, 2)).sum())} files')
        for row in np.rint(mean).astype(int).tolist():
            click.echo(f"        ({', '.join(map(str, row))}),")
        click.echo("    ),")


if __name__ == "__main__":
    main()
