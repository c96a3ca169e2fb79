"""Pages on which music is played: a palette in one HTML file.

- `music`, `voices`: windows as the pages' JavaScript takes them.
- `palette_page`: the page of a grid of blends.

The JavaScript beside: `roll.js` (piano rolls), `sound.js` (a synthesiser), `player.js` (plays in
time), `midi.js` (files, Web MIDI), `transport.js` (the controls), `palette.js` (the page).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
