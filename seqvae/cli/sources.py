"""The windows that are taken from inputs, side by side, with texts on where each is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqvae.cli.keys import in_one_key
from seqvae.cli.parts import Chosen, each_of
from seqvae.cli.writing import between
from seqvae.music.reading.grids import SIXTEEN
from vaecore.cli.echo import echo
from vaecore.cli.job import counted
from vaecore.cli.presentation import Input, Source

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.parts import Part
    from seqvae.music.representations.windows import Windows
    from vaecore.codec import Example


def sources(
    codec: SequenceCodec, inputs: Sequence[Input], options: Mapping[str, Any]
) -> list[list[Source]]:
    """Return rounds of windows, one window of each input in each round.

    By default there is one round, of the first windows with notes; --bar chooses another window.
    With --all there is a round for each window of the longest song.

    Args:
        codec: The codec of the model.
        inputs: The inputs; the content of each is a `Chosen`.
        options: Values of the options of `MusicPresentation`.

    Raises:
        DataError: An input has no window, or none at this bar.
    """
    from seqvae.music.representations.parts import looped
    from seqvae.music.representations.timing import timed

    bars = each_of(options["bar"], len(inputs), "bar")
    taken = []
    for each, bar in zip(inputs, bars, strict=True):
        score = each.content.score
        music = looped(score, codec.bars, codec.grid)
        found = codec.cover(music, bar) if options["all_windows"] else codec.of_score(music)
        if found.problem is not None:
            raise found.problem
        chosen = [found.default if bar is None else found.at(bar)]
        if options["all_windows"]:
            chosen = list(range(len(found)))
            _tell_left_out(found, each.path)
        examples = [found[index] for index in chosen]
        if options.get("quantize") == "none":
            examples = [timed(codec, music, found, index) for index in chosen]
        text, facts = _parts(codec, each.content, found.instruments[found.default])
        note = "" if music is score else "one bar, looped"
        of = " · ".join(part for part in (text, note) if part), facts
        taken.append(
            [
                _source(codec, example, each, of, following)
                for example, following in zip_longest(examples, examples[1:])
            ]
        )
    _tell_again(taken, [each.path for each in inputs], codec.bars)
    rounds = _rounds(taken)
    pitched = any(alphabet.pitched for _, alphabet in codec.voices)
    return in_one_key(codec, rounds) if options.get("key") == "common" and pitched else rounds


def _parts(
    codec: SequenceCodec, chosen: Chosen, instrument: int
) -> tuple[str, list[dict[str, Any]]]:
    """Return the parts of a window and the reasons for them: in words and for `--json`.

    The words are empty if there was no choice.

    Args:
        codec: The codec of the window.
        chosen: The input.
        instrument: Number of the window's instrument.
    """
    from seqvae.music.representations.parts import parts

    there, score = chosen.parts, chosen.score
    asked = len(parts(score)) < len(there)
    places = {part.number: part.place for part in there}
    named = {part.number for part in there if part.is_drum and not _on_drum_channel(part)}
    texts, facts, first = [], [], True
    for voice, alphabet in codec.voices:
        found = parts(score)
        if not alphabet.pitched:
            found = tuple(part for part in found if part.is_drum)
        elif first:
            numbers = codec.together(score, instrument)
            found, first = tuple(p for p in found if p.number in numbers), False
        else:
            found = tuple(part for part in found if part.role == voice)[:1]
        if not found:
            continue
        why = found[0].why if not asked else "as asked"
        if found[0].is_drum and not asked:
            why = "called drums" if {p.number for p in found} & named else ""
        together = alphabet.pitched and len(found) > 1
        why = "played together" if together else why
        title = " and ".join(part.title for part in found[:2])
        texts.append(title if len(codec.voices) == 1 else f"{voice} {title}")
        if why and len(codec.voices) == 1:
            at = [str(places.get(part.number)) for part in (found if together else found[:1])]
            texts[-1] += f" (part {', '.join(at)} of {len(there)}: {why})"
        facts.append(
            {
                "voice": voice,
                "part": [places.get(part.number) for part in found],
                "name": [part.name for part in found],
                "why": why,
            }
        )
    several = len(there) > 1 or named
    return ", ".join(texts) if several else "", facts


def _source(
    codec: SequenceCodec,
    example: Example,
    input_: Input,
    of: tuple[str, list[dict[str, Any]]],
    following: Example | None,
) -> Source:
    """Return the source of a window.

    Args:
        codec: The codec of the window.
        example: The window.
        input_: The input.
        of: The window's parts, from `_parts`.
        following: The next window. If it begins within this one (before bars of another meter),
            the rest of this one is silence.
    """
    context = example.context
    first, last, total = context.bar, context.bar + codec.bars - 1, context.of_bars
    if following is not None:
        last = min(last, following.context.bar - 1)
    total = max(last, total)
    bars = f"bar {first}" if first == last else f"bars {first}-{last}"
    facts = {
        "bars": [first, last],
        "of_bars": total,
        "tempo_bpm": round(context.tempo_bpm, 3),
        "program": context.program,
        "parts": of[1],
        **({"bass_program": context.bass_program} if "bass" in codec.voice_names else {}),
    }
    place = f"{bars} of {total} · {between([tempo for _, tempo in context.tempos])} bpm"
    if codec.grid is not SIXTEEN:
        facts["meter"] = "{}/{}".format(*context.meter)
        place += f" · {facts['meter']}" + " in triplets" * (context.per_quarter == 3)
    place += f" · {of[0]}" if of[0] else ""
    return Source(example, input_, place, facts)


def _tell_left_out(found: Windows, path: Path | str) -> None:
    """Print on stderr which bars of a song are left out."""
    from seqvae.music.representations.windows import OF_NOTES

    for rejection in found.rejections:
        if rejection.rule not in OF_NOTES:
            echo(f"{path}: {rejection.text}, which is left out", err=True)


def _tell_again(taken: Sequence[Sequence[Source]], paths: Sequence[Path | str], bars: int) -> None:
    """Print on stderr which songs are repeated, because another one is longer.

    Args:
        taken: The windows of each song.
        paths: The songs.
        bars: Number of bars of a window.
    """
    counts = list(map(len, taken))
    longest = max(counts)
    shorter = [
        f"{path} ({counted(bars * count, 'bar')})"
        for path, count in zip(paths, counts, strict=True)
        if count < longest
    ]
    if shorter:
        again = "begins again" if len(shorter) == 1 else "begin again"
        beside = f"{paths[counts.index(longest)]} ({counted(bars * longest, 'bar')})"
        echo(f"{', '.join(shorter)} {again} beside {beside}", err=True)


def _rounds(taken: Sequence[Sequence[Source]]) -> list[list[Source]]:
    """Return the windows of several songs side by side; shorter songs are repeated.

    Rounds of silence in all songs are left out.
    """
    longest = max(map(len, taken))
    found = [[windows[k % len(windows)] for windows in taken] for k in range(longest)]
    sounding = [each for each in found if any(source.example.x.any() for source in each)]
    return sounding or found[:1]


def _on_drum_channel(part: Part) -> bool:
    return part.channel in (0, 10)
