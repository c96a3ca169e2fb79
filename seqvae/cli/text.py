"""Sentences at the command line: typed in quotes, or one in each line of a text file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vaecore.cli.job import counted
from vaecore.cli.options import MANY
from vaecore.cli.presentation import Choice, Presentation, Result, Source, Written
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.text.codec import TextCodec
    from vaecore.cli.outputs import Outputs

_PATHS = (".txt", ".mid", ".midi")
"""What ends like this is a file, there or not."""
_LARGEST_CONFIG = 1 << 20
_MUSIC = {
    "bar": "--bar",
    "all_windows": "--all",
    "separate": "--separate",
    "png": "--png",
    "wav": "--wav",
}


def is_text(inputs: Sequence[Path], model: str | None) -> bool:
    """Return whether a request is about text: by its model, or by all of its inputs.

    Args:
        inputs: Files, or sentences; the first may be a model, where no model is named.
        model: What was named with --model.
    """
    if model is not None or (inputs and _representation(str(inputs[0])) == "text"):
        return model is None or _representation(model) == "text"
    return bool(inputs) and all(
        path.suffix.lower() == ".txt" or (" " in str(path) and _is_typed(path)) for path in inputs
    )


class TextPresentation(Presentation):
    """Sentences in, sentences out: printed, and written where -o names a file."""

    outputs: ClassVar[Mapping[str, str]] = {}
    reads = suffixes = (".txt",)

    def typed(self, input_: Path) -> bool:
        """Return whether an input is a sentence and no path."""
        return _is_typed(input_)

    def choose_model(self, paths: Sequence[Path], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model for text."""
        from seqvae.music.domain import DOMAIN

        for name in DOMAIN.shipped():
            if _representation(name) == "text":
                return Choice(name, "for text")
        remedy = "name a model folder with --model"
        raise DataError("there is no model for text in the box", remedy=remedy)

    def sources(
        self, codec: TextCodec, paths: Sequence[Path], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return typed sentences, and files line by line, to the end of the shortest."""
        _refuse_music(options)
        taken = []
        for path in paths:
            if self.typed(path):
                sentence = str(path)
                taken.append([Source(sentence, sentence, facts={"sentence": sentence})])
                continue
            lines = codec.sentences(path)
            fitting = [line for line in lines if len(codec.encode_all([line]))]
            if not fitting:
                codec.encode(path)  # knows why, and says so
            place = f"{counted(len(fitting), 'sentence')} of {len(lines)}"
            taken.append([Source(line, path, place, {"sentence": line}) for line in fitting])
        rounds = [list(sources) for sources in zip(*taken, strict=False)]
        if len(rounds) > MANY:
            raise UsageError(f"{paths[0]}: at most {MANY} sentences at once, not {len(rounds)}")
        return rounds

    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write all sentences, one in each line, if there is a file to write."""
        _refuse_music(options)
        if outputs.main is not None:
            text = "".join(f"{sentence}\n" for sentence in result.items)
            outputs.add(outputs.main).write_text(text, encoding="utf-8")
        return Written(counted(len(result.items), "sentence"), {"sentences": result.items})

    def picture(self, result: Result, width: int) -> str:
        """Return all sentences, numbered, below those that they come from."""
        rows: list[tuple[str, str]] = []
        given = iter(result.originals)
        for number, items in enumerate(result.rounds):
            if result.verb == "reconstruct":
                for item in items:
                    rows += [("given", next(given)), ("kept", item)]
                continue
            if result.originals:
                rows.append(("given", result.originals[number]))
            if result.kept:
                rows.append(("kept", result.kept[number]))
            rows += zip(_labels(result), items, strict=True)
        margin = max(len(label) for label, _ in rows)
        return "\n".join(f" {label:>{margin}}  {sentence}" for label, sentence in rows)

    def fidelity(self, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Return how many pieces of words come again, wherever in the sentence."""
        from collections import Counter

        kept = total = 0
        for before, after in zip(x.tolist(), y.tolist(), strict=True):
            said = Counter(piece for piece in before if piece)
            kept, total = kept + (said & Counter(after)).total(), total + said.total()
        share = kept / max(total, 1)
        return f"kept {kept} of {total} pieces of words ({share:.0%})", {"pieces_kept": share}


def _labels(result: Result) -> list[str]:
    if result.verb == "edit":
        return list(result.titles)
    if result.columns:
        n = range(len(result.titles))
        return [f"{k // result.columns + 1}.{k % result.columns + 1}" for k in n]
    return [str(k) for k in range(1, len(result.titles) + 1)]


def _is_typed(path: Path) -> bool:
    # os.path knows that what is too long to be a name is no file.
    return path.suffix.lower() not in _PATHS and not os.path.exists(path)


def _representation(model: str) -> str | None:
    """Return the name of a model's representation; None where it has none that can be read."""
    from seqvae.music.domain import DOMAIN

    # Not vaecore.folder, which imports torch: bad inputs are to be answered before that.
    path = (DOMAIN.box / model if model in DOMAIN.shipped() else Path(model)) / "config.json"
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            return None
        return json.loads(path.read_text(encoding="utf-8"))["representation"]["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # loading it will say what is wrong


def _refuse_music(options: Mapping[str, Any]) -> None:
    for name, option in _MUSIC.items():
        if options.get(name):
            raise UsageError(f"{option} is for music, not for sentences")
