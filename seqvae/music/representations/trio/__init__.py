"""Trios: melody, bass and drums together."""
