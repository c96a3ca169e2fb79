"""The codec of sentences: what is written is read as it was, and what is no vocabulary refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.text.codec import TextCodec, make_codec
from seqvae.text.vocabulary import END, learn_pieces, normalizer
from vaecore.errors import DataError

SENTENCES = [
    "A man plays a guitar .",
    "Two dogs run on the beach .",
    "A woman, 30 or so, doesn't play guitars.",
    "Men play; dogs play: who plays?",
] * 3
CODEC = TextCodec.learn(SENTENCES, steps=24, classes=80)
LETTERS = "".join(sorted({c for sentence in SENTENCES for c in sentence.lower()}))


def test_a_sentence_is_spelled_with_long_pieces() -> None:
    x = CODEC.encode("Two guitars play on the beach.")
    assert CODEC.tokenizer.encode("A man plays.").tokens == ["▁a", "▁man", "▁plays", "."]
    assert x.shape == (24,)
    assert x.dtype == torch.int64
    assert (x != END).sum() < 24
    assert CODEC.decode(x) == "Two guitars play on the beach."


def test_space_before_punctuation_and_capitals_make_no_difference() -> None:
    same = ["a man plays.", "A man plays .", " A  MAN\tplays . "]
    x = torch.stack([CODEC.encode(s) for s in same])
    assert (x == x[0]).all()
    assert CODEC.decode(x[0]) == "A man plays."


@given(st.text(LETTERS + "AB ,.’", min_size=1, max_size=60))
@settings(deadline=None)
def test_round_trip(sentence: str) -> None:
    normal = normalizer().normalize_str(sentence)
    try:
        x = CODEC.encode(sentence)
    except DataError:
        assert not normal or len(CODEC.tokenizer.encode(sentence).ids) > CODEC.steps
        return
    assert CODEC.decode(x) == normal[:1].upper() + normal[1:]
    assert torch.equal(CODEC.encode(CODEC.decode(x)), x)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_is_read_or_refused(sentence: str) -> None:
    if sentence.lower().endswith(".txt"):
        return
    try:
        x = CODEC.encode(sentence)
    except DataError:
        return
    assert torch.equal(CODEC.encode(CODEC.decode(x)), x)


@given(st.lists(st.integers(0, CODEC.classes - 1), min_size=24, max_size=24))
@settings(deadline=None)
def test_any_classes_are_a_sentence_that_can_be_read_again(classes: list[int]) -> None:
    text = CODEC.decode(torch.tensor(classes))
    assert "▁" not in text
    try:
        x = CODEC.encode(text)
    except DataError:  # nothing, or longer when spelled with the longest pieces first
        return
    assert torch.equal(CODEC.encode(CODEC.decode(x)), x)


def test_files_have_a_sentence_in_each_line(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("A man plays.\n\n" + "a man " * 30 + "\nTwo dogs run.\r\n", encoding="utf-8")
    assert CODEC.sentences(path)[2] == CODEC.sentences(str(path))[2] == "Two dogs run."
    x = CODEC.read(path).x
    assert [CODEC.decode(row) for row in x] == ["A man plays.", "Two dogs run."]
    assert torch.equal(CODEC.encode(path), x[0])
    assert torch.equal(CODEC.read("A man plays.").x, x[:1])


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("", "is an empty sentence; write some words"),
        (" \n", "is an empty sentence"),
        ("man " * 30, r"man man .*\.\.\.: has 30 pieces of words, the model reads 24; shorten"),
        ("A ☃ plays.", "A ☃ plays.: has '☃', which the model cannot spell"),
        ("A man " + "a" * 65, "has 'a+', which"),
        (17, "int is not a sentence"),
        ("no.txt", "no.txt: does not exist"),
        (Path("/"), "/: is a folder"),
    ],
)
def test_what_cannot_be_read(item, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        CODEC.encode(item)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; get it"),
        (b"\n \n", "has no sentence"),
        (b"A man \xff plays", "is not UTF-8 text .line 1, byte 6.; save it as UTF-8"),
        (b"x" * 10_001, "has a line of 10,001 characters .line 1."),
    ],
)
def test_files_that_cannot_be_read(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        CODEC.read(path)


def test_the_configuration_makes_the_codec() -> None:
    other = make_codec(CODEC.config)
    assert other.config == CODEC.config
    assert other.classes == CODEC.classes
    assert torch.equal(other.encode(SENTENCES[0]), CODEC.encode(SENTENCES[0]))


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"vocabulary": ["a"]}, "vocabulary must be a string"),
        ({"vocabulary": "a b a"}, "has a piece twice"),
        ({"vocabulary": "a  b"}, "has the piece ''"),
        ({"vocabulary": "a \x1b[2J b"}, r"has the piece '\\x1b\[2J'"),
        ({"vocabulary": "x" * 65}, "has the piece"),
        ({"steps": 0}, "steps must be"),
        ({"steps": True}, "steps must be"),
        ({"steps": "32"}, "steps must be"),
        ({"merges": []}, "unknown setting of the text representation: merges"),
    ],
)
def test_a_broken_vocabulary_is_refused(setting: dict, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        make_codec({"name": "text", **setting})


def test_a_vocabulary_has_the_frequent_words_and_every_letter() -> None:
    pieces = learn_pieces(SENTENCES, 60)
    assert len(pieces) == len(set(pieces)) <= 59
    assert set(LETTERS) - {" "} <= set(pieces)
    assert pieces == learn_pieces(SENTENCES, 60)
    assert "▁a" in pieces[:5]
    assert len(learn_pieces(SENTENCES, 4000)) < 150  # nothing is learned that is not there


def test_sentences_that_nobody_would_keep() -> None:
    sentences = ["A man is running .", "A man man is running .", "Running"]
    x = CODEC.encode_all(sentences)
    assert CODEC.poor(x).tolist() == [False, True, True]
