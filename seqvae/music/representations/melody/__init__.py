"""Melodies: one voice in which a note begins, ends or continues at every sixteenth."""
