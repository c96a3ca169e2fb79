"""Pages on which music is played: a palette in one HTML file.

- `music`, `voices`: windows as the pages' JavaScript takes them.
- `palette_page`: the page of a grid of blends.
- `blender_page`: the page of a model, which is `inside` it.

The JavaScript beside: `roll.js` (piano rolls), `sound.js` (a synthesiser), `player.js` (plays in
time), `midi.js` (files, Web MIDI), `transport.js` (the controls), `palette.js` and `blender.js`
(the pages), `slots.js` (corners), `model` (networks, in the page or in a worker).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
