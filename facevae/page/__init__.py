"""Pages of faces, in one HTML file each.

- `palette_page`: a plane of decoded faces.
- `decoder.decoder_page`: a plane that is decoded in the browser, with the model inside.
"""

from facevae.page.palette import palette_page, sprites

__all__ = ["palette_page", "sprites"]
