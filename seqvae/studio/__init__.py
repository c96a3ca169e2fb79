"""Music and sentences in the studio: what the page draws, and its script.

stages      how windows and sentences are shown
studio.js   the page
"""
