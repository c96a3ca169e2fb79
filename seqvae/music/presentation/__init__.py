"""Writing and drawing music: MIDI files, pictures in the terminal, piano rolls, sound.

- `join`, `write_midi`: several items in one MIDI file.
- `text_roll`: a picture in text, for the terminal.
- `piano_roll`: a picture as PNG.
- `render`: a WAV file through a SoundFont.

All of them take `pretty_midi.PrettyMIDI` objects; both rolls also take windows of class indices
through `grid_of_window`. Large packages are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqvae.music.presentation.grid import Grid, grid_of_item, grid_of_window
    from seqvae.music.presentation.midi_file import join, write_midi
    from seqvae.music.presentation.roll import piano_roll
    from seqvae.music.presentation.sound import render
    from seqvae.music.presentation.text import text_roll

__all__ = [
    "Grid",
    "grid_of_item",
    "grid_of_window",
    "join",
    "piano_roll",
    "render",
    "text_roll",
    "write_midi",
]

_HOMES = {
    "Grid": "grid",
    "grid_of_item": "grid",
    "grid_of_window": "grid",
    "join": "midi_file",
    "write_midi": "midi_file",
    "piano_roll": "roll",
    "render": "sound",
    "text_roll": "text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
