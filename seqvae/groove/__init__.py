"""Drum performances: hits, velocities and micro-timing, and what can be done with them alone.

    performance  the numbers of a performance, and what is left of it without its feel
    feel         humanize and drumify
    properties   what can be measured of it
    evaluate     quality of a model of performances

The codec is with the others in `seqvae.codecs`, the networks are those of all sequences.
"""
