"""Pieces of words: how sentences are cut, and which pieces are worth a class of their own.

The tokenizer is `tokenizers` (Hugging Face). A sentence is put into its normal form (lower case,
one space between words, none before a comma or full stop), cut at spaces, punctuation and digits,
and each part is spelled with the longest pieces that the vocabulary has. A piece that begins a word
carries the mark of the space before it, so that putting pieces together needs no rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer

END = 0
"""Class after the last piece of a sentence; to the tokenizer, whatever no piece spells."""
SPACE = "▁"
"""Stands for the space before a word."""

LONGEST_WORD = 64
"""Characters of a part of a sentence that is still spelled."""
ALPHABET = 500
"""At most so many characters are pieces; rarer ones are unknown."""
SPARE = 1.5
"""How many more pieces are tried than are kept."""

_PLAIN = (("“”„", '"'), ("‘’", "'"), ("–—", "-"))


def normalizer() -> Normalizer:
    """Return what puts a sentence into its normal form."""
    from tokenizers import Regex, normalizers

    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            *(normalizers.Replace(Regex(f"[{curly}]"), plain) for curly, plain in _PLAIN),
            normalizers.Lowercase(),
            # The mark of a space, written by a user, is one.
            normalizers.Replace(Regex(rf"[\s\p{{C}}{SPACE}]+"), " "),
            normalizers.Replace(Regex(r" +(?=[.,!?;:])"), ""),
            normalizers.Strip(),
        ]
    )


def make_tokenizer(pieces: Sequence[str]) -> Tokenizer:
    """Return the tokenizer of a vocabulary, whose classes are `END` and then the pieces."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece

    end = "\0"  # no sentence in normal form has control characters
    classes = {piece: index for index, piece in enumerate((end, *pieces), start=END)}
    model = WordPiece(
        classes,
        unk_token=end,
        continuing_subword_prefix="",
        max_input_chars_per_word=LONGEST_WORD,
    )
    return _cutting(Tokenizer(model))


def learn_pieces(sentences: Iterable[str], classes: int) -> list[str]:
    """Return the pieces that spell sentences best, the most frequent first.

    Byte-pair encoding proposes more than are wanted, and those that spelling uses least go: most
    pieces that are only a stage on the way to a word are never used again.

    Args:
        sentences: To learn from.
        classes: `END` and the pieces; there may be fewer.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    sentences = list(sentences)
    wanted = classes - 1
    learner = _cutting(Tokenizer(BPE()))
    trainer = BpeTrainer(
        vocab_size=int(SPARE * wanted),
        min_frequency=2,
        limit_alphabet=min(ALPHABET, wanted),
        show_progress=False,
    )
    learner.train_from_iterator(sentences, trainer)
    pieces = sorted(learner.get_vocab())  # equal sentences give equal vocabularies
    count = _used(pieces, sentences)
    pieces.sort(key=lambda piece: (len(piece) > 1, -count[piece], piece))  # every letter stays
    kept = pieces[:wanted]
    count = _used(kept, sentences)
    return sorted(kept, key=lambda piece: (-count[piece], piece))


def _used(pieces: Sequence[str], sentences: Sequence[str]) -> Counter[str]:
    """Return how often each piece is used where sentences are spelled with the longest ones."""
    spelled = make_tokenizer(pieces).encode_batch(sentences)
    return Counter(piece for each in spelled for piece in each.tokens)


def _cutting(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer that cuts at spaces, punctuation and digits."""
    from tokenizers import pre_tokenizers

    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always"),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    return tokenizer
