"""Scripts for developers of this project; not installed.

way              the functions that an input passes in a verb
wild, fuzz       other people's files, and damaged files, through commands and readers
music21_export   the tunes that music21 ships, as MIDI files to train on
ternary_drums    drums of twelve steps a bar, made from drums of sixteen
velocities       usual velocities by voice and place in the bar
accelerator.sh   trains the spatial faces on a GPU that is lent for minutes
face_sheets      faces as a few large JPEGs, to transfer them there
share            makes a model folder share weights with another
film_page        films the page of a palette being played, for README
framing          training of the networks that frame faces
kernel           makes the WebAssembly of the page from its text
sbom             packages with versions and licences
"""
