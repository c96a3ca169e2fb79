"""The domains of this package, the first of which takes what none of them knows."""

from __future__ import annotations

from seqvae.music.domain import DOMAIN as MUSIC
from seqvae.text.domain import DOMAIN as TEXT

DOMAINS = (MUSIC, TEXT)
