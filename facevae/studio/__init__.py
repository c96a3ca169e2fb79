"""Faces in the studio.

stages      how faces are shown
studio.js   the page
"""
