"""The vocabulary: dividing sentences into pieces of words, and learning the pieces.

The tokenizer is from `tokenizers` (Hugging Face). A sentence is normalised (lower case, one space
between words, none before a comma or full stop) and divided at spaces, punctuation and digits; each
part is then divided into the longest pieces of the vocabulary. A piece at the start of a word has a
mark for the space before it, so that a sentence is the concatenation of its pieces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer

END = 0
"""The class after the last piece of a sentence; for the tokenizer, also of unknown characters."""
SPACE = "▁"
"""Marks the space before a word."""

LONGEST_WORD = 64
"""Most characters of a word that is divided into pieces."""
ALPHABET = 500
"""Most characters that are pieces; rarer ones are unknown."""
SPARE = 1.5
"""Ratio of the pieces that are proposed to those that are kept."""

_PLAIN = (("“”„", '"'), ("‘’", "'"), ("–—", "-"))


def normalizer() -> Normalizer:
    """Return the normaliser of sentences."""
    from tokenizers import Regex, normalizers

    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            *(normalizers.Replace(Regex(f"[{curly}]"), plain) for curly, plain in _PLAIN),
            normalizers.Lowercase(),
            # A user's sentence may have the mark of a space; it counts as a space.
            normalizers.Replace(Regex(rf"[\s\p{{C}}{SPACE}]+"), " "),
            normalizers.Replace(Regex(r" +(?=[.,!?;:])"), ""),
            normalizers.Strip(),
        ]
    )


def make_tokenizer(pieces: Sequence[str]) -> Tokenizer:
    """Return the tokenizer of a vocabulary, whose classes are `END` and then the pieces."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece

    end = "\0"  # normalised sentences have no control characters
    classes = {piece: index for index, piece in enumerate((end, *pieces), start=END)}
    model = WordPiece(
        classes,
        unk_token=end,
        continuing_subword_prefix="",
        max_input_chars_per_word=LONGEST_WORD,
    )
    return _cutting(Tokenizer(model))


def learn_pieces(sentences: Iterable[str], classes: int) -> list[str]:
    """Return a vocabulary that divides sentences into few pieces, the most frequent first.

    Byte-pair encoding proposes more pieces than are wanted, and the least used are removed: most of
    its intermediate pieces are not used once whole words are pieces.

    Args:
        sentences: The sentences to learn from.
        classes: Most classes, which are `END` and the pieces.
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
    pieces.sort(key=lambda piece: (len(piece) > 1, -count[piece], piece))  # all letters are kept
    kept = pieces[:wanted]
    count = _used(kept, sentences)
    return sorted(kept, key=lambda piece: (-count[piece], piece))


def _used(pieces: Sequence[str], sentences: Sequence[str]) -> Counter[str]:
    """Return how often each piece occurs when sentences are divided into the longest ones."""
    spelled = make_tokenizer(pieces).encode_batch(sentences)
    return Counter(piece for each in spelled for piece in each.tokens)


def _cutting(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer that divides sentences at spaces, punctuation and digits."""
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
