"""Texts of MIDI files, whose encoding nothing tells: names of tracks, markers."""

from __future__ import annotations

import re

_JAPANESE = re.compile("[\u3001-\u30ff\uff01-\uff5e]|[\u4e00-\u9fff]{2}")
"""Kana, Japanese punctuation, wide letters, or two kanji in a row."""
_FIRST = re.compile(b"[\x81-\x9f]")
"""First bytes of most characters of Shift-JIS; in Latin-1 they are no letters."""


def decoded(content: bytes) -> str:
    """Return a text of a MIDI file: UTF-8 if it is that, else Shift-JIS, else Latin-1.

    Shift-JIS (code page 932) is only what comes out as Japanese: accents of Latin-1 may be a
    kanji or half-width kana there, and so may be Cyrillic letters and quotation marks of Windows.
    """
    for encoding in ("utf-8", "cp932", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp932" or (_FIRST.search(content) and _JAPANESE.search(text)):
            break
    return text.strip("\0 \t\r\n")
