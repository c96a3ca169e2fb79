"""Drum performances: hits, velocities and micro-timing.

codec        files to performances and back
alphabet     the steps of performances, for networks and figures
performance  the numbers of a performance, its hits alone, its rhythm alone
networks     the embedding and the head of performances
properties   measurable properties
augment      random changes in training
feel         humanize and drumify
evaluate     quality of a model of performances
"""
