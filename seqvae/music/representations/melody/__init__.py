"""Melodies: one voice, a note begins, ends or goes on at every sixteenth."""
