"""Pages of faces: `palette_page` makes one HTML file with a plane of faces inside."""

from facevae.page.palette import palette_page, sprites

__all__ = ["palette_page", "sprites"]
