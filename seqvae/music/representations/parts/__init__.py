"""Which part of a piece is meant: its melody, its bass, its drums, or the track that one names.

    names      what the name of a track says about it
    rating     how likely each pitched part is the melody, and why
    choice     the parts of a score and what each is taken for
    selection  a score of the part that options ask for
    kits       drum maps: what the keys of a drum kit mean

It is for those who have music and want something done with it. Training windows are chosen by
`roles`, as before, so that shards stay the same.
"""

from seqvae.music.representations.parts.choice import Part, heard, parts, voices
from seqvae.music.representations.parts.kits import Kit, kit
from seqvae.music.representations.parts.selection import Selection, looped, select

__all__ = ["Kit", "Part", "Selection", "heard", "kit", "looped", "parts", "select", "voices"]
