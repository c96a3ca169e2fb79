"""Write the melodies of music21's bundled corpora as MIDI files, one per tune.

    python -m tools.music21_export OUT [--ternary] [--parts] [--corpus essenFolksong ...]

Tunes in 4/4 are written; with --ternary those in 3/4, 6/8 and the like. With --parts, all parts of
chorales, quartets and piano pieces are written, each as a track.

music21 (`pip install music21`) ships several thousand folk tunes as ABC and chorales as MusicXML.
A score writes a pick-up as a short bar, while all bars of a MIDI file have the same length: so bars
are aligned first.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from vaecore.errors import DataError

CORPORA = (
    "essenFolksong",
    "oneills1850",
    "ryansMammoth",
    "airdsAirs",
    "miscFolk",
    "leadSheet",
    "bach",
)
POLYPHONIC = (
    "bach",
    "beethoven",
    "chopin",
    "haydn",
    "joplin",
    "mozart",
    "schubert",
    "schumann_clara",
    "schumann_robert",
    "weber",
)
"""Corpora of several parts."""
BAR = 4.0
"""Length of a bar of 4/4 in quarter notes."""

TEMPO_BPM = 120.0
VELOCITY = 80
FOUR = {"4/4": "4/4", "2/2": "4/4", "C": "4/4", "C|": "4/4"}
"""Meters as ABC and music21 write them, and as they are written into MIDI files."""
TERNARY = {meter: meter for meter in ("3/4", "6/8", "12/8", "9/8", "3/8", "6/4", "3/2")}


_TINY = 1e-3
"""Tolerance in quarter notes, since the lengths of triplets are not exact."""
_OTHER = "not in one of the meters throughout"


class Note(NamedTuple):
    """A note; onset and duration in quarter notes, MIDI pitch, and whether a tie leads to it."""

    onset: float
    duration: float
    pitch: int
    continues: bool = False


class Bar(NamedTuple):
    """A bar; its length in quarter notes, and its notes with onsets counted from its start."""

    length: float
    notes: list[Note]


class Unusable(Exception):
    """A tune that is left out; the message is the reason."""


def align_bars(bars: Sequence[Bar], bar_length: float = BAR) -> list[Note]:
    """Place the notes of bars so that every full bar starts at a multiple of its length.

    An incomplete bar is a pick-up, the short last bar of a section, or one half of a bar that a
    repeat sign divides. One of them, or several in a row, are filled up with silence to whole bars.
    The silence comes before the last of them, which so becomes a pick-up; but after it where it
    ends the tune, or is short by the length of the first pick-up, as is usual in printed music.

    Args:
        bars: The bars of one tune in order.
        bar_length: Length of a full bar, in quarter notes.

    Returns:
        The notes in order, with onsets in quarter notes from the first bar line.
    """
    first_pickup = bars[0].length % bar_length if bars else 0.0
    notes: list[Note] = []
    position = 0.0
    for index, bar in enumerate(bars):
        next_is_full = index + 1 < len(bars) and bars[index + 1].length % bar_length == 0
        # Bars of triplets have lengths that are not exact; the bar lines are.
        missing = round(-(position + bar.length), 6) % bar_length if next_is_full else 0.0
        ends_section = index > 0 and position % bar_length == 0 and missing == first_pickup
        if not ends_section:
            position += missing
        notes += [note._replace(onset=position + note.onset) for note in bar.notes]
        position = round(position + bar.length + (missing if ends_section else 0.0), 6)
    return notes


def merge_ties(notes: Sequence[Note]) -> list[Note]:
    """Join every note that a tie leads to with the note before it that ends there."""
    merged: list[Note] = []
    latest: dict[int, int] = {}
    for note in notes:
        at = latest.get(note.pitch)
        if note.continues and at is not None:
            before, end = merged[at], note.onset + note.duration
            if abs(before.onset + before.duration - note.onset) < _TINY:
                merged[at] = before._replace(duration=end - before.onset)
                continue
        latest[note.pitch] = len(merged)
        merged.append(note._replace(continues=False))
    return merged


def melody(score: Any, known: Mapping[str, str] = FOUR) -> tuple[list[Note], str]:
    """Return the highest notes of a music21 score, ties merged, between regular bar lines.

    Args:
        score: The score.
        known: Meters that are taken.

    Returns:
        The notes, and the meter.

    Raises:
        Unusable: The score is not in one such meter throughout, or has no notes.
    """
    part = score.parts[0] if getattr(score, "parts", None) else score
    meter, length = _meter([part], known)
    bars = []
    for bar in _bars(part):
        top: dict[float, Note] = {}
        for note in bar.notes:
            if note.onset not in top or top[note.onset].pitch < note.pitch:
                top[note.onset] = note
        bars.append(bar._replace(notes=[top[onset] for onset in sorted(top)]))
    notes = merge_ties(align_bars(bars, length))
    if not notes:
        raise Unusable("no notes")
    return notes, meter


def all_parts(score: Any, known: Mapping[str, str] = FOUR) -> tuple[list[list[Note]], str]:
    """Return all notes of every part of a music21 score; see `melody`.

    A bar is as long as that of the longest part.

    Raises:
        Unusable: As for `melody`; or there are fewer than two notes together.
    """
    parts = list(getattr(score, "parts", None) or [score])
    meter, length = _meter(parts, known)
    bars = [_bars(part) for part in parts]
    if len({len(own) for own in bars}) > 1:
        raise Unusable("parts of different lengths")
    lengths = [max(bar.length for bar in together) for together in zip(*bars, strict=True)]
    found = []
    for own in bars:
        whole = [bar._replace(length=long) for bar, long in zip(own, lengths, strict=True)]
        found.append(merge_ties(align_bars(whole, length)))
    notes = [note for part in found for note in part]
    if len({note.onset for note in notes}) == len(notes):
        raise Unusable("no chords")
    return found, meter


def _meter(parts: Sequence[Any], known: Mapping[str, str]) -> tuple[str, float]:
    """Return the meter of parts, and the length of its bar in quarter notes.

    Raises:
        Unusable: They are not in one known meter throughout.
    """
    meters = [m for part in parts for m in part.recurse().getElementsByClass("TimeSignature")]
    names = {known.get(meter.ratioString, "") for meter in meters}
    if len(names) != 1 or "" in names:
        raise Unusable(_OTHER)
    meter = names.pop()
    numerator, denominator = map(int, meter.split("/"))
    return meter, 4.0 * numerator / denominator


def _bars(part: Any) -> list[Bar]:
    """Return the bars of a part with all their notes, in order of onset and pitch."""
    bars = []
    for measure in part.getElementsByClass("Measure"):
        flat = measure.flatten()
        notes = []
        for element in flat.notes:
            if element.quarterLength == 0 or not element.pitches:
                continue  # grace notes and chord symbols take no time
            for head in element.notes if element.isChord else [element]:
                continues = head.tie is not None and head.tie.type in ("stop", "continue")
                onset, duration = float(element.offset), float(element.quarterLength)
                notes.append(Note(onset, duration, int(head.pitch.midi), continues))
        bars.append(Bar(float(flat.highestTime), sorted(notes)))
    return bars


def write_midi(parts: Sequence[Sequence[Note]], meter: str, path: Path) -> None:
    """Write parts as a MIDI file of a track for each, at 120 quarter notes a minute."""
    import pretty_midi

    quarter = 60.0 / TEMPO_BPM
    midi = pretty_midi.PrettyMIDI(initial_tempo=TEMPO_BPM)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(*map(int, meter.split("/")), 0.0))
    for number, notes in enumerate(parts):
        name = "melody" if len(parts) == 1 else f"part {number + 1}"
        piano = pretty_midi.Instrument(program=0, name=name)
        piano.notes = [
            pretty_midi.Note(VELOCITY, pitch, onset * quarter, (onset + duration) * quarter)
            for onset, duration, pitch, _ in notes
        ]
        midi.instruments.append(piano)
    midi.write(str(path))


def tunes(corpus: str) -> Iterator[tuple[str, str | Path]]:
    """Yield the name and the ABC text, or the file, of every piece of a bundled corpus."""
    try:
        from music21 import common
    except ImportError as error:
        raise DataError("music21 is not installed", remedy="pip install music21") from error
    folder = Path(common.getCorpusFilePath()) / corpus
    if not folder.is_dir():
        raise DataError("is not a corpus of music21", path=corpus)
    for path in sorted(folder.rglob("*")):
        name = "_".join(path.relative_to(folder).with_suffix("").parts)
        if path.suffix == ".abc":  # many tunes to a file, in many meters
            text = path.read_text(encoding="utf-8", errors="replace")
            for number, tune in enumerate(re.split(r"(?m)^(?=X:)", text)[1:], start=1):
                yield f"{name}_{number:04d}", tune
        elif path.suffix in (".mxl", ".xml", ".musicxml", ".krn"):
            yield name, path


def export_tune(
    source: str | Path, path: Path, known: Mapping[str, str] = FOUR, parts: bool = False
) -> str:
    """Write one tune, or all its parts, and return "written" or the reason it was left out."""
    from music21 import converter

    try:
        if isinstance(source, str):
            # music21 reads only the first meter of a tune, which later fields can change.
            found = set(re.findall(r"(?m)(?:^|\[)M:\s*([^\s\]%]+)", source))
            if len({known.get(meter) for meter in found}) > 1 or not found <= set(known):
                raise Unusable(_OTHER)
            score = converter.parseData(source, format="abc")
        else:
            score = converter.parse(str(source))
        if parts:
            write_midi(*all_parts(score, known), path)
        else:
            notes, meter = melody(score, known)
            write_midi([notes], meter, path)
    except Unusable as reason:
        return str(reason)
    except Exception as error:  # music21 raises anything on scores it does not understand
        return f"not readable ({type(error).__name__})"
    return "written"


def export(
    corpora: Sequence[str],
    output: Path,
    workers: int | None = None,
    known: Mapping[str, str] = FOUR,
    parts: bool = False,
) -> dict[str, Counter]:
    """Export corpora, each to its own folder, in worker processes.

    Args:
        corpora: Names of corpora bundled with music21.
        output: Folder to write `corpus/tune.mid` files to.
        workers: Number of processes; all cores by default.
        known: Meters that are taken.
        parts: Write all parts, and not only the melody.

    Returns:
        For every corpus, how many tunes were written, and left out for which reason.
    """
    counts: dict[str, Counter] = {}
    with ProcessPoolExecutor(workers) as pool:
        for corpus in corpora:
            folder = output / corpus
            folder.mkdir(parents=True, exist_ok=True)
            jobs = [
                (source, folder / f"{name}.mid", known, parts) for name, source in tunes(corpus)
            ]
            results = pool.map(export_tune, *zip(*jobs, strict=True), chunksize=16)
            counts[corpus] = Counter(results)
            print(
                f"{corpus}: "
                + ", ".join(f"{n} {what}" for what, n in counts[corpus].most_common()),
                flush=True,
            )
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder to write the MIDI files to")
    parser.add_argument("--corpus", action="append", help=f"default: {' '.join(CORPORA)}")
    parser.add_argument("--ternary", action="store_true", help="tunes in 3/4, 6/8 and the like")
    parser.add_argument("--parts", action="store_true", help="all parts of polyphonic music")
    parser.add_argument("--workers", type=int, help="processes (default: all cores)")
    arguments = parser.parse_args()
    known = TERNARY if arguments.ternary else FOUR
    corpora = arguments.corpus or (POLYPHONIC if arguments.parts else CORPORA)
    export(corpora, arguments.output, arguments.workers, known, arguments.parts)


if __name__ == "__main__":
    main()
