"""Moves in a latent space that are measured on what is decoded.

A distance in the latent space says little about what is heard. So a way is decoded finely and steps
are taken at equal change (`even`), around places where events are lost (`detours`), a variation
goes as far as the share of it that shall change (`variations`), and an edit searches for codes
whose property is where it was asked to be (`edits`). `moves` binds them to a model.

Codes are decoded many at a time, at temperature 0, and all randomness comes from a seed.
"""

from vaecore.calibrated.edits import Steered
from vaecore.calibrated.moves import Moves

__all__ = ["Moves", "Steered"]
