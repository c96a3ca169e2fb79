"""Text files with one sentence in each line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from vaecore.errors import DataError
from vaecore.reading import SENTENCES, read_text

LONGEST_LINE = 10_000
"""Most characters of a line."""
VALIDATION = 50
"""One sentence out of this many is held out for validation."""


class Split(NamedTuple):
    """Sentences of the training and of the validation split."""

    train: list[str]
    validation: list[str]


def read_sentences(paths: Iterable[Path]) -> list[str]:
    """Return the sentences of text files: their lines, without empty ones.

    Raises:
        DataError: A file cannot be read, is not text, or has no sentence.
    """
    found: list[str] = []
    for path in paths:
        before = len(found)
        text = read_text(path, SENTENCES)
        for number, line in enumerate(text.split("\n"), start=1):
            if len(line) > LONGEST_LINE:
                what = f"has a line of {len(line):,} characters (line {number})"
                raise DataError(what, path=path, remedy="write one sentence in each line")
            if line.strip():
                found.append(line.strip())
        if len(found) == before:
            remedy = "write one sentence in each line"
            raise DataError("has no sentence", path=path, remedy=remedy)
    return found


def split(sentences: Sequence[str]) -> Split:
    """Return the distinct sentences, split by a hash of their text.

    Raises:
        DataError: A split would be empty.
    """
    parts = Split([], [])
    for sentence in dict.fromkeys(sentences):
        digest = hashlib.sha256(sentence.encode()).digest()
        held_out = int.from_bytes(digest[:4], "big") % VALIDATION == 0
        (parts.validation if held_out else parts.train).append(sentence)
    if not parts.train or not parts.validation:
        text = f"{len(parts.train) + len(parts.validation)} different sentences are too few"
        raise DataError(text, remedy="train on some hundreds or more")
    return parts
