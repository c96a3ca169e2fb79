"""The largest sizes of a network; a model folder that asks for more is broken or hostile."""

from __future__ import annotations

LARGEST_STEPS = 1 << 12
LARGEST_CLASSES = 1 << 16
LARGEST_DIM = 1 << 13
"""Of all other sizes: units of a layer, latent dimensions."""
