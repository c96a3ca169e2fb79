"""The presentation of sentences: typed in quotes, or one in each line of a text file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vaecore.cli.job import counted
from vaecore.cli.options import MANY
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.text.codec import TextCodec
    from vaecore.cli.outputs import Outputs
    from vaecore.space import LatentSpace

_PATHS = (".txt", ".mid", ".midi")
"""Inputs with these endings are files, even if they do not exist, not sentences."""


class TextPresentation(Presentation):
    """Sentences in, sentences out: printed, and with -o also written to a file."""

    outputs: Mapping[str, str] = MappingProxyType({})
    reads = suffixes = (".txt",)
    evaluates = True

    def takes(self, inputs: Sequence[Path]) -> bool:
        """Return whether all inputs are text files, or sentences of several words."""
        return bool(inputs) and all(
            path.suffix.lower() == ".txt" or (" " in str(path) and _is_typed(path))
            for path in inputs
        )

    def typed(self, input_: Path) -> bool:
        """Return whether an input is a sentence, not a path."""
        return _is_typed(input_)

    def open(self, path: Path | str) -> list[str]:
        """Return the sentences of a file, or the typed sentence."""
        from seqvae.text.data import read_sentences

        return [path] if isinstance(path, str) else read_sentences([path])

    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model for text."""
        shipped = self.domain.shipped()
        if not shipped:
            remedy = "name a model folder with --model"
            raise DataError("there is no model for text in the box", remedy=remedy)
        return Choice(shipped[0], "for text")

    def sources(
        self, codec: TextCodec, inputs: Sequence[Input], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return a round for each line of the shortest file; one for typed sentences."""
        taken = []
        for each in inputs:
            lines, found = each.content, codec.read(each.content)
            if found.problem and not len(found) and isinstance(each.path, Path):
                raise DataError(found.problem.problem, path=each.path, remedy=found.problem.remedy)
            if isinstance(each.path, str):
                taken.append([Source(found.first, each, facts={"sentence": each.path})])
                continue
            place = f"{counted(len(found), 'sentence')} of {len(lines)}"
            taken.append(
                [Source(example, each, place, {"sentence": example.context}) for example in found]
            )
        rounds = [list(sources) for sources in zip(*taken, strict=False)]
        if len(rounds) > MANY:
            text = f"{inputs[0].path}: at most {MANY} sentences at once, not {len(rounds)}"
            raise UsageError(text)
        return rounds

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write all sentences, one in each line, if -o names a file."""
        if outputs.main is not None:
            text = "".join(f"{sentence}\n" for sentence in result.items)
            outputs.add(outputs.main).write_text(text, encoding="utf-8")
        return Written(counted(len(result.items), "sentence"), {"sentences": result.items})

    def picture(self, result: Result, width: int) -> str:
        """Return all sentences, numbered, below the inputs."""
        rows: list[tuple[str, str]] = []
        given = iter([example.context for example in result.originals])
        kept = iter(result.decoded(result.kept))
        items = iter(result.items)
        for examples in result.rounds:
            if result.verb == "reconstruct":
                for _ in examples:
                    rows += [("given", next(given)), ("kept", next(items))]
                continue
            if result.originals:
                rows.append(("given", next(given)))
            if result.kept:
                rows.append(("kept", next(kept)))
            rows += [(label, next(items)) for label in _labels(result)]
        margin = max(len(label) for label, _ in rows)
        return "\n".join(f" {label:>{margin}}  {sentence}" for label, sentence in rows)

    def fidelity(self, codec: TextCodec, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Return the share of word pieces that are kept, at any place in the sentence."""
        from collections import Counter

        kept = total = 0
        for before, after in zip(x.tolist(), y.tolist(), strict=True):
            pieces = Counter(piece for piece in before if piece)
            kept, total = kept + (pieces & Counter(after)).total(), total + pieces.total()
        share = kept / max(total, 1)
        return f"kept {kept} of {total} pieces of words ({share:.0%})", {"pieces_kept": share}

    def evaluate(
        self, space: LatentSpace[Any], paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return the figures of a model on text; see `seqvae.text.evaluate`."""
        from seqvae.text.evaluate import evaluate

        return evaluate(space, paths, seed, split=split)


def _labels(result: Result) -> list[str]:
    if result.verb == "edit":
        return list(result.titles)
    if result.columns:
        n = range(len(result.titles))
        return [f"{k // result.columns + 1}.{k % result.columns + 1}" for k in n]
    return [str(k) for k in range(1, len(result.titles) + 1)]


def _is_typed(path: Path) -> bool:
    # os.path.exists is False for texts too long for a file name, where Path.exists raises.
    return path.suffix.lower() not in _PATHS and not os.path.exists(path)
