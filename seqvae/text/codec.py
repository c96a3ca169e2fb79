"""The codec of sentences: pieces of words as class indices, ended by an end token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from seqvae.text.data import read_sentences
from seqvae.text.vocabulary import (
    END,
    LONGEST_WORD,
    SPACE,
    learn_pieces,
    make_tokenizer,
)
from vaecore.codec import Codec, Examples, build_codec
from vaecore.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

    from seqvae.sequences.property import Property


class TextCodec(Codec[str]):
    """Sentences; an example has the class index of a piece of a word at each step, then `END`.

    Items are strings, and paths of .txt files with a sentence in each line; a string that ends in
    .txt is a path. Decoded sentences are in lower case except for their first letter.

    Args:
        steps: Largest number of pieces of a sentence.
        vocabulary: The pieces, separated by spaces, in the order of their classes; empty for a
            codec whose vocabulary is not learned yet.

    Raises:
        ValueError: An argument is not possible.
    """

    name: ClassVar[str] = "text"
    suffixes = (".txt",)

    def __init__(self, steps: int = 32, vocabulary: str = "") -> None:
        if type(steps) is not int or steps < 1:
            raise ValueError(f"steps must be a number above 0, got {steps!r}")
        if not isinstance(vocabulary, str):
            raise ValueError("vocabulary must be a string of pieces that are separated by spaces")
        pieces = vocabulary.split(" ") if vocabulary else []
        _check(pieces)
        self.steps = steps
        self.pieces = tuple(pieces)
        self.classes = 1 + len(pieces)

    @classmethod
    def learn(cls, sentences: Sequence[str], steps: int, classes: int) -> TextCodec:
        """Return a codec with a vocabulary that is learned from sentences; see `learn_pieces`."""
        return cls(steps, " ".join(learn_pieces(sentences, classes)))

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps,)

    @property
    def config(self) -> dict[str, Any]:
        return {"name": self.name, "steps": self.steps, "vocabulary": " ".join(self.pieces)}

    @property
    def legend(self) -> dict[str, Any]:
        """The piece of each class, for programs that use an exported model."""
        return {
            "representation": self.name,
            "steps": self.steps,
            "end": END,
            "space": SPACE,
            "about": "join the pieces before the first end, and write a space for each mark of one",
            "classes": [{}, *({"piece": piece} for piece in self.pieces)],
        }

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, which cuts sentences into pieces."""
        return make_tokenizer(self.pieces)

    @property
    def sizes(self) -> dict[str, Any]:
        return {"steps": self.steps, "classes": self.classes}

    @property
    def ready(self) -> bool:
        return bool(self.pieces)

    def encode(self, item: Any) -> Tensor:
        """Return a sentence, or the first one of a file, `(steps,)` int64.

        Raises:
            DataError: There is no sentence, or it has unknown letters or too many pieces.
        """
        return self.read(item).first.x

    def read(self, item: Any) -> Examples:
        """Return all sentences of an item that the model can read, `(n, steps)`; n may be 0.

        The context of each is the original sentence. `first` is the item's first sentence, and
        raises an error if the model cannot read that one.

        Args:
            item: A string, the path of a text file, or a list of strings.
        """
        sentences = self.sentences(item)
        problem = self._problem(sentences[0], _path(item))
        fitting, x = self._examples(sentences)
        return Examples(x, fitting, problem=problem)

    def _problem(self, sentence: str, path: Path | None) -> DataError | None:
        """Return why a sentence cannot be an example, or None if it can."""
        spelled = self.tokenizer.encode(sentence)
        classes = spelled.ids
        if not classes:
            return DataError("is an empty sentence", path=path, remedy="write some words")
        if END in classes:
            first, last = spelled.offsets[classes.index(END)]
            text = f"has {sentence[first:last].strip()!r}, which the model cannot spell"
            remedy = "write it in another way"
            return DataError(text, path=path or _short(sentence), remedy=remedy)
        if len(classes) > self.steps:
            text = f"has {len(classes)} pieces of words, the model reads {self.steps}"
            return DataError(text, path=path or _short(sentence), remedy="shorten the sentence")
        return None

    def encode_all(self, sentences: Sequence[str]) -> Tensor:
        """Return the examples `(n, steps)` of the sentences that `encode` accepts."""
        return self._examples(sentences)[1]

    def _examples(self, sentences: Sequence[str]) -> tuple[list[str], Tensor]:
        """Return the sentences that `encode` accepts, and their examples."""
        import torch

        spelled = zip(sentences, self.tokenizer.encode_batch(list(sentences)), strict=True)
        found = [(s, e.ids) for s, e in spelled if 0 < len(e) <= self.steps and END not in e.ids]
        x = torch.full((len(found), self.steps), END)
        for row, (_, classes) in zip(x, found, strict=True):
            row[: len(classes)] = torch.tensor(classes)
        return [sentence for sentence, _ in found], x

    def sentences(self, item: Any) -> list[str]:
        """Return the sentences of an item, at least one.

        Raises:
            DataError: The item is neither text nor a text file, or the file has no sentence.
        """
        path = _path(item)
        if path is not None:
            return read_sentences([path])
        if isinstance(item, list) and item and all(isinstance(each, str) for each in item):
            return item
        if not isinstance(item, str):
            raise DataError(f"{type(item).__name__} is not a sentence", remedy="give a string")
        return [item]

    def decode(self, x: Tensor, context: Any = None) -> str:
        """Return the sentence of an example `(steps,)`: the pieces before the first `END`.

        Raises:
            ValueError: A number is not a class.
        """
        classes = [int(c) for c in x]
        if classes and not 0 <= min(classes) <= max(classes) < self.classes:
            raise ValueError(f"classes must lie in 0..{self.classes - 1}")
        if END in classes:
            classes = classes[: classes.index(END)]
        text = "".join(self.pieces[c - 1] for c in classes).replace(SPACE, " ").strip()
        return text[:1].upper() + text[1:]

    def poor(self, x: Tensor) -> Tensor:
        """Return whether sentences have fewer than two words, or a word twice in a row, `(n,)`."""
        import torch

        found = (self.decode(row).lower().split() for row in x)
        return torch.tensor([len(w) < 2 or any(map(str.__eq__, w, w[1:])) for w in found])

    def properties(self) -> dict[str, Property]:
        """Return the measurable properties of sentences, by name."""
        from seqvae.text.properties import properties

        return properties(self.decode)


def make_codec(config: Mapping[str, Any]) -> TextCodec:
    """Build a codec from its `config`; see `vaecore.codec.build_codec`."""
    return build_codec({TextCodec.name: TextCodec}, config)


def _check(pieces: Sequence[str]) -> None:
    """Raise ValueError if pieces are not a vocabulary, as in a damaged model folder."""
    if len(set(pieces)) != len(pieces):
        raise ValueError("vocabulary has a piece twice")
    for piece in pieces:
        if not 1 <= len(piece) <= LONGEST_WORD or not piece.isprintable():
            raise ValueError(f"vocabulary has the piece {piece[:LONGEST_WORD]!r}")


def _path(item: Any) -> Path | None:
    """Return an item's path, or None if it is not a path."""
    is_path = isinstance(item, Path) or (isinstance(item, str) and item.lower().endswith(".txt"))
    return Path(item) if is_path else None


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 40 else f"{sentence[:37]}..."
