"""Drum performances: hits, velocities and micro-timing, and what can be done with them alone.

    codec        files to performances and back
    performance  the numbers of a performance, and what is left of it without its feel
    feel         humanize and drumify
    properties   what can be measured of it
    evaluate     quality of a model of performances

The networks are those of all music.
"""
