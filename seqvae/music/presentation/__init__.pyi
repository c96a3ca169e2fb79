from .film import write_film as write_film
from .grid import Grid as Grid, grid_of_item as grid_of_item, grid_of_window as grid_of_window
from .midi_file import join as join, write_midi as write_midi
from .roll import piano_roll as piano_roll
from .sound import render as render
from .text import text_roll as text_roll
