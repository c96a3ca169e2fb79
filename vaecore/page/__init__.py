"""Pages that play in a browser: one HTML file each, which needs nothing else and asks for nothing.

- `page` makes one: texts, data and modules are inside; `filled` and `corners` make its HTML.
- `bundle` makes one script of a module and those that it imports.
- `tints` gives colours to things by how alike they are, `screen_colour` is such a colour in RGB.

Beside the Python modules are those in JavaScript that all pages share: `field.js` (the plane that a
point is moved on), `colour.js`, `dom.js`, and the looks in `style.css`.
"""

from vaecore.page.bundle import bundle
from vaecore.page.html import corners, filled, page
from vaecore.page.tints import screen_colour, tints

__all__ = ["bundle", "corners", "filled", "page", "screen_colour", "tints"]
