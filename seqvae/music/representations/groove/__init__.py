"""Drum performances: hits, velocities and micro-timing, and what can be done with them alone.

codec        files to performances and back
alphabet     what a step of a performance is, to networks and to what measures it
performance  the numbers of a performance, and what is left of it without its feel
networks     the embedding and the head of performances; the rest is that of all music
properties   what can be measured of it
augment      random changes in training
feel         humanize and drumify
evaluate     quality of a model of performances
"""
