"""Faces in the studio: what the page shows, and its script.

stages      how faces are shown
studio.js   the page
"""
