"""Trios: melody, bass and drums."""
