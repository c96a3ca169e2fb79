"""Pages that play music, in one HTML file each.

- `music`, `voices`: windows as JSON for the pages' JavaScript.
- `palette_page`: the page of a grid of blends.
- `blender_page`: the page of a model, with the model inside (`inside`).

The JavaScript beside: `roll.js` (piano rolls), `sound.js` (a synthesiser), `player.js` (plays in
time), `midi.js` (files, Web MIDI), `transport.js` (the controls), `palette.js` and `blender.js`
(the pages), `slots.js` (corners), `model` (networks, in the page or in a worker).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
