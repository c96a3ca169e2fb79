from .blender import blender_page as blender_page
from .data import (
    instruments as instruments,
    joined as joined,
    lengths as lengths,
    music as music,
    voices as voices,
)
from .palette import palette_page as palette_page
