"""Drum patterns: which of nine kinds of drum are hit at every sixteenth."""
