"""What music may be packed in: RIFF and gzip, and scores in MusicXML and ABC, as MIDI files."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from contextlib import suppress

from vaecore.errors import DataError
from vaecore.reading import MUSIC

MAX_BYTES = MUSIC.most
"""Largest file that is read, packed or unpacked."""
SCORES = (".musicxml", ".mxl", ".xml", ".abc")
"""Endings of scores, which the package music21 reads."""
SUFFIXES = (".mid", ".midi", ".kar", ".smf", ".rmi", ".mid.gz", ".midi.gz", ".kar.gz")
"""Endings of the files that folders are searched for."""

_CONTAINER, _ENTITY = "META-INF/container.xml", b"<!ENTITY"
_GZIP, _RIFF, _HEADER = b"\x1f\x8b", b"RIFF", b"MThd"


def unpacked(data: bytes, path: str) -> bytes:
    """Return the MIDI file within some data; for a score, one with the same music.

    Args:
        data: The content of a file of any kind.
        path: Its name, which tells scores from other text.

    Raises:
        DataError: It cannot be unpacked, or is a score and music21 is not installed.
    """
    if data[:2] == _GZIP:
        data = _gunzipped(data, path)
        path = path.removesuffix(".gz")
    begin = data.find(_HEADER) if data[:4] == _RIFF else data.find(_HEADER, 0, 256)
    if begin >= 0:  # a header of RIFF or of MacBinary is before it
        return data[begin:]
    if path.lower().endswith(SCORES):
        return _played(data, path)
    remedy = "give a .mid file"
    if data[:2] == b"PK":
        raise DataError("is a ZIP archive", path=path, remedy="unpack it, and give a file in it")
    raise DataError("is not a MIDI file", path=path, remedy=remedy)


def _gunzipped(data: bytes, path: str) -> bytes:
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = stream.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        text = f"cannot be unpacked ({error})"
        raise DataError(text, path=path, remedy="copy or download it again") from None
    if len(content) > MAX_BYTES:
        raise _too_long(path)
    return content


def _played(data: bytes, path: str) -> bytes:
    """Return a score in MusicXML or ABC as a MIDI file, its repeats written out."""
    try:
        from music21 import converter
        from music21.midi.translate import streamToMidiFile
    except ImportError:
        problem = "is a score, which the package music21 reads; it is not installed"
        remedy = "pip install 'seqvae[scores]', or export it as MIDI (.mid)"
        raise DataError(problem, path=path, remedy=remedy) from None
    kind = "abc" if path.lower().endswith(".abc") else "musicxml"
    text = _score_text(data, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parseData(text, format=kind)
            with suppress(Exception):  # repeats that cannot be written out are left as they are
                score = score.expandRepeats()
            content: bytes = streamToMidiFile(score).writestr()
    except Exception as error:  # music21 raises exceptions of any type
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise _no_score(reason, path) from error
    return content


def _score_text(data: bytes, path: str) -> str:
    """Return the text of a score, unpacked if it is compressed MusicXML."""
    if data[:2] == b"PK":
        data = _unzipped(data, path)
    if _ENTITY in data or _ENTITY.decode().encode("utf-16-le") in data:
        raise _no_score("it defines entities", path)
    declared = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([\w.-]+)", data)
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if wide else declared[1].decode() if declared else "utf-8-sig"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeError) as error:
        raise _no_score(f"it is not {encoding} text", path) from error


def _unzipped(data: bytes, path: str) -> bytes:
    """Return the score in compressed MusicXML: the file that its container names, or its first.

    Nothing is unpacked beyond `MAX_BYTES`, whatever the archive says of its sizes.
    """

    def read(name: str) -> bytes:
        if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _no_score("it is packed in an unusual way", path)  # others unpack without bounds
        with archive.open(name) as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _too_long(path)
        return content

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            inside = [n for n in names if n.endswith((".xml", ".musicxml")) and n != _CONTAINER]
            if _CONTAINER in names:
                named = re.findall(rb"full-path=[\"']([^\"']+)", read(_CONTAINER))
                found = [each.decode("utf-8", "replace") for each in named]
                inside = [name for name in found if name in names] + inside
            if not inside:
                raise _no_score("there is none in the archive", path)
            return read(inside[0])
    except DataError:
        raise
    except Exception as error:  # damaged archives are answered with any exception
        raise _no_score(str(error)[:100] or type(error).__name__, path) from error


def _no_score(reason: str, path: str) -> DataError:
    problem = f"is not a score that can be read ({reason})"
    return DataError(problem, path=path, remedy="export it as MIDI (.mid)")


def _too_long(path: str) -> DataError:
    text = f"is too large when unpacked (at most {MAX_BYTES / 1e6:.0f} MB are read)"
    return DataError(text, path=path, remedy="cut out the part you want and try again")
