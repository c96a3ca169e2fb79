"""The domains of this package; the first one handles models that neither recognises."""

from __future__ import annotations

from seqvae.music.domain import DOMAIN as MUSIC
from seqvae.text.domain import DOMAIN as TEXT

DOMAINS = (MUSIC, TEXT)
