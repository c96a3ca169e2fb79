"""What only the developers of this project run; it is not installed.

way              the functions through which an input passes in a verb
music21_export   the tunes that music21 ships, as MIDI files to train on
accelerator.sh   trains the spatial faces on a GPU that is lent for minutes
share            a model folder without what another model has
face_sheets      faces as a few large JPEGs, which travel there
film_page        films the page of a palette being played, for README
framing          training the network that frames faces
"""
