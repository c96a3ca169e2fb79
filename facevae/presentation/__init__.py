"""Contact sheets of faces, and films as GIF, WebP or MP4.

    sheet    many pictures on one page, with captions
    film     a morph in motion: frames, their times, GIF, WebP and MP4

All of them take PIL images. Pillow and PyAV are imported when they are first needed.
"""

from facevae.presentation.film import Enlarged, Film, write_gif, write_mp4, write_webp
from facevae.presentation.sheet import contact_sheet, enlarge

__all__ = ["Enlarged", "Film", "contact_sheet", "enlarge", "write_gif", "write_mp4", "write_webp"]
