"""What music may be packed in: RIFF and gzip, and scores in MusicXML and ABC, as MIDI files."""

from __future__ import annotations

import warnings
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
        text = f"is too large when unpacked (at most {MAX_BYTES / 1e6:.0f} MB are read)"
        raise DataError(text, path=path, remedy="cut out the part you want and try again")
    return content


def _played(data: bytes, path: str) -> bytes:
    """Return a score in MusicXML or ABC as a MIDI file, its repeats written out."""
    try:
        from music21 import converter
        from music21.midi.translate import streamToMidiFile
    except ImportError:
        text = "is a score, which the package music21 reads; it is not installed"
        remedy = "pip install 'seqvae[scores]', or export it as MIDI (.mid)"
        raise DataError(text, path=path, remedy=remedy) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parse(path)
            with suppress(Exception):  # repeats that cannot be written out are left as they are
                score = score.expandRepeats()
            content: bytes = streamToMidiFile(score).writestr()
    except Exception as error:  # music21 raises exceptions of any type
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        text = f"is not a score that can be read ({reason})"
        raise DataError(text, path=path, remedy="export it as MIDI (.mid)") from error
    return content
