"""Pages that play in a browser: one HTML file each, which needs nothing else and asks for nothing.

- `page` makes one: texts, data and modules are inside; `filled` and `corners` make its HTML.
- `bundle` makes one script of a module and those that it imports.
- `tints` gives colours to things by how alike they are, `screen_colour` is such a colour in RGB.

- `recorded.record` notes the operations of a network, which the page then runs.

Beside the Python modules are those in JavaScript that all pages share: `field.js` (the plane that a
point is moved on), `slider.js`, `colour.js`, `dom.js`, what decodes (`model`), and the looks in
`style.css` and `model.css`.
"""

from vaecore.page.bundle import bundle
from vaecore.page.html import MODEL_STYLE, corners, filled, page
from vaecore.page.tints import screen_colour, tints

__all__ = ["MODEL_STYLE", "bundle", "corners", "filled", "page", "screen_colour", "tints"]
