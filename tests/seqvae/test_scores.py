"""Scores: compressed MusicXML is unpacked within bounds, and music21 gets text, never a path."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from seqvae.music.reading import container
from seqvae.music.reading.container import MAX_BYTES, unpacked
from vaecore.errors import DataError

SCORE = Path(__file__).parents[1] / "cases/named/score.musicxml"
CONTAINER = "META-INF/container.xml"


def packed(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def rootfile(name: str) -> bytes:
    return f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>'.encode()


def test_the_score_of_an_archive_is_the_one_that_its_container_names() -> None:
    inside = {CONTAINER: rootfile("b.xml"), "a.xml": b"<a/>", "b.xml": "<b>é</b>".encode()}
    assert container._score_text(packed(inside), "x.mxl") == "<b>é</b>"
    assert container._score_text(packed({"a.musicxml": b"<a/>"}), "x.mxl") == "<a/>"
    missing = {CONTAINER: rootfile("../../etc/passwd"), "a.xml": b"<a/>"}
    assert container._score_text(packed(missing), "x.mxl") == "<a/>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_the_encoding_that_a_score_declares(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><a>é</a>'
    assert container._score_text(text.encode(encoding), "x.xml") == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed({"a.xml": bytes(MAX_BYTES + 1)}), "too large when unpacked"),
        (packed({CONTAINER: bytes(MAX_BYTES + 1), "a.xml": b"x"}), "too large when unpacked"),
        (packed({"a.xml": bytes(MAX_BYTES + 1)}, zipfile.ZIP_LZMA), "in an unusual way"),
        (packed({"a.txt": b"x"}), "there is none in the archive"),
        (packed({"a.xml": b"<a/>" * 99})[:-30], "cannot be read|can be read"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "it defines entities"),
        (b"<?xml encoding='no-such'?><a/>", "it is not no-such text"),
        (b"<a>\xff</a>", "it is not utf-8"),
    ],
    ids=range(8),
)
def test_what_is_hostile_or_broken_is_refused_before_music21_sees_it(
    data: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        container._score_text(data, "x.mxl")
    assert "\n" not in str(caught.value)


def test_packed_or_not_it_is_the_same_music() -> None:
    pytest.importorskip("music21")
    data = SCORE.read_bytes()
    plain = unpacked(data, "no/such/place.musicxml")
    assert plain[:4] == b"MThd"
    assert unpacked(packed({"a.xml": data}), "no/such/place.mxl") == plain
    tune = b"X:1\nT:a\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n"
    assert unpacked(tune, "no/such/place.abc")[:4] == b"MThd"
