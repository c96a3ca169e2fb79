"""Chords and piano: the notes that are struck at each step, and how long each of them lasts.

codec       files to windows and back
texture     the numbers of a step, and piano rolls
parts       which tracks are played together, and which of them are polyphonic
alphabet    the steps of windows, for networks and figures
networks    the embedding and the head of steps
perception  how windows are perceived
properties  measurable properties
augment     random changes in training
evaluate    quality of a model of such windows
"""
