"""Writing and drawing music: MIDI files, pictures in the terminal, piano rolls, sound, films.

- `join`, `write_midi`: several items in one MIDI file.
- `text_roll`: a piano roll in text, for the terminal.
- `piano_roll`: a piano roll as PNG, SVG or PDF.
- `render`: a WAV file through a SoundFont.
- `write_film`: an MP4 film of a moving piano roll, with its sound.

All of them take `pretty_midi.PrettyMIDI` objects; both rolls also take windows of class indices
through `grid_of_window`. Large packages are imported when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
