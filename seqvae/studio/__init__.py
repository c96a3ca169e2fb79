"""Music and sentences in the studio.

stages      how windows and sentences are shown
studio.js   the page
"""
