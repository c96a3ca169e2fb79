"""Moves in a latent space that are measured on decoded examples.

A distance in the latent space says little about the perceived difference, so codes are decoded:

even         steps of equal change on a path
detours      paths around examples that have lost their events
variations   codes of which a given share differs
edits        a search for codes with the wanted values of properties
moves        all of them, for one model

Codes are decoded many at a time, at temperature 0, and all randomness comes from a seed.
"""

from vaecore.calibrated.edits import Steered
from vaecore.calibrated.moves import Moves

__all__ = ["Moves", "Steered"]
