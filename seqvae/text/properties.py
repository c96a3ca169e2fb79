"""Measurable properties of sentences, which attribute vectors change.

They count words from short lists, which were chosen for captions of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from seqvae.sequences.property import Property

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Measure: TypeAlias = Callable[[NDArray[Any]], NDArray[np.float64]]

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


PEOPLE = _listed(
    "man men woman women boy boys girl girls child children kid kids baby babies toddler toddlers "
    "person people guy guys lady ladies gentleman gentlemen male males female females adult "
    "adults teenager teenagers couple group crowd family friend friends player players worker "
    "workers"
)
FEMALE = _listed(
    "woman women girl girls lady ladies female females she her hers mother daughter sister"
)
OUTDOORS = _listed(
    "outside outdoors outdoor street streets sidewalk road park beach sand ocean sea water lake "
    "river pool field grass grassy snow snowy mountain mountains hill cliff rock rocks tree trees "
    "forest woods desert dirt garden yard sky sun bridge boat dock trail track"
)
ANIMALS = _listed(
    "dog dogs puppy puppies cat cats horse horses bird birds animal animals cow cows bull sheep "
    "goat goats elephant elephants monkey camel camels duck ducks fish"
)
COLOURS = _listed(
    "red orange yellow green blue purple pink brown black white gray grey tan golden blond "
    "blonde colorful"
)
SEVERAL = _listed(
    "two three four five six seven eight several many some people men women boys girls children "
    "kids dogs are"
)


def words(sentence: str) -> list[str]:
    """Return the words of a sentence, in lower case and without punctuation."""
    return _WORD.findall(sentence.lower())


def properties(decode: Callable[[Tensor], str]) -> dict[str, Property]:
    """Return the measurable properties of sentences, by name.

    Args:
        decode: Returns the sentence of an example.
    """

    def of(measure: Callable[[list[str]], float]) -> Measure:
        return lambda x: np.array([measure(words(decode(row))) for row in x], np.float64)

    def among(known: frozenset[str]) -> Measure:
        return of(lambda found: sum(word in known for word in found))

    return {
        "length": Property("how long", "words", of(len)),
        "people": Property("man, women, child, crowd, player, ...", "words", among(PEOPLE)),
        "female": Property("woman, girls, lady, her, ...", "words", among(FEMALE)),
        "animals": Property("dog, horses, birds, ...", "words", among(ANIMALS)),
        "outdoors": Property("street, beach, field, water, ...", "words", among(OUTDOORS)),
        "colours": Property("red, blue, blond, ...", "words", among(COLOURS)),
        "several": Property("two, several, people, are, ...", "words", among(SEVERAL)),
        "doing": Property(
            "words that end in -ing", "words", of(lambda found: sum(map(_is_doing, found)))
        ),
    }


def _is_doing(word: str) -> bool:
    return len(word) > 4 and word.endswith("ing") and word not in ("thing", "string", "spring")
