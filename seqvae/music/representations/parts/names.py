"""What the name of a track says about it; names are what people typed, or a program wrote."""

from __future__ import annotations

import re

import numpy as np

from seqvae.music.representations.alphabet import CLASS_OF_PITCH

_SOUND = re.compile(
    r"^(?:fx |lead |pad )?\d* ?\(?(?:square|saw(?:tooth)?|sqr|calliope|chiff(?:er)?|charang|voice|"
    r"fifths?|bass ?[+&]|bass and|synth|solo)[\w ()+&]*\b(?:lead|voice|vox|oohs|wave)\b|"
    r"^lead \d|^(?:voice|choir|synth)[\w ]* ?[oa]+hs?\b|^synth ?vo(?:x|ice)",
    re.IGNORECASE,
)
"""Sounds of General MIDI whose names have words such as "lead" and "voice" in them."""
_TUNE = re.compile(
    r"melod|vocal|\bvox\b|\bsing(?:er|ing)?\b|soprano|right hand|\brh\b|gesang|\bcanto\b|\bchant\b|"
    r"\bvo(?:z|ix)\b|メロディ|主旋律|ボーカル|歌",
    re.IGNORECASE,
)
_LEAD = re.compile(r"lead|\bvoice\b|stimme|\bmain\b|\btheme\b|\bsolo\b|リード", re.IGNORECASE)
_BENEATH = re.compile(
    r"harmon(?:y|ies)|echo|delay|back(?:ing|ground|up)|\bpads?\b|chord|rhythm|accomp|counter|"
    r"\bbass|left hand|\blh\b|begleit|\balto\b|\btenor\b|"
    r"コード|ハモ|ハーモニー|伴奏|エコー|パッド",
    re.IGNORECASE,
)
_BASS = re.compile(r"\bbass?(?:es|o|line)?\b|\bbs\b|ベース", re.IGNORECASE)
_NOT_BASS = re.compile(r"drum|bass ?[+&]|bass and|clarinet|bassoon|guitar lead", re.IGNORECASE)
_DRUMS = re.compile(
    r"\bdrum ?(?:s|z|kit|set|track|part|machine)?\b|\bdr(?:m|ms|ums?)?\b|percus|\bperc\b|"
    r"batter[iy]|schlagzeug|\bhi-?hats?\b|\bsnare\b|\bkick\b|\bcymbals?\b|\btoms?\b|ドラム|パーカッション",
    re.IGNORECASE,
)
_PITCHED_DRUMS = re.compile(r"steel|taiko|melodic|synth|\bbass\b(?! drum)|timpani", re.IGNORECASE)
BASIC = (35, 59)
"""The keys of General MIDI from the kick to the ride cymbal."""
KIT = 0.8
"""At least this share of the notes of a part called drums lies on keys of a drum kit."""


def tells_melody(name: str) -> float:
    """Return 1 if a name is that of a melody, 0.4 of a lead, -0.6 of what lies beneath, else 0."""
    name = name.strip()
    if _SOUND.search(name):
        return 0.0
    if _BENEATH.search(name):
        return -0.6
    return 1.0 if _TUNE.search(name) else 0.4 * bool(_LEAD.search(name))


def tells_bass(name: str) -> bool:
    """Return whether a name is that of a bass."""
    return bool(_BASS.search(name)) and not _NOT_BASS.search(name)


def tells_drums(name: str, pitches: np.ndarray) -> bool:
    """Return whether a part is a drum kit by its name, and by its notes, too.

    Its notes have to lie on keys of a kit, most of them on those of kick to ride: a line called
    "Steel drums" or "Kick bass" is none.
    """
    if not _DRUMS.search(name) or _PITCHED_DRUMS.search(name):
        return False
    basic = (pitches >= BASIC[0]) & (pitches <= BASIC[1])
    return bool(basic.mean() >= 0.5 and (CLASS_OF_PITCH[pitches] >= 0).mean() >= KIT)
