"""Pages for a browser: one HTML file each, which needs no network and no other file.

- `page` makes one from HTML, data and modules; `filled` and `corners` make its HTML.
- `bundle` makes one script of a module and of those that it imports.
- `tints` gives similar things similar colours, and `screen_colour` returns such a colour in RGB.
- `recorded.record` records the operations of a network, which the page then runs.

The pages share these JavaScript modules: `field.js` (the plane with a movable point), `slider.js`,
`colour.js`, `dom.js`, and `model` (decoding); and the style sheets `style.css` and `model.css`.
"""

from vaecore.page.bundle import bundle
from vaecore.page.html import MODEL_STYLE, corners, filled, page
from vaecore.page.tints import screen_colour, tints

__all__ = ["MODEL_STYLE", "bundle", "corners", "filled", "page", "screen_colour", "tints"]
