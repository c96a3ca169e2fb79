"""Reading music: a MIDI file, a PrettyMIDI or a NoteSequence becomes a `Score`.

midi         reading files and objects, and the errors of those that cannot be used
score        notes in seconds, tempos and meters; cut into pieces on the sixteenth grid
smf          the parser of standard MIDI files
smf_arrays   the same for well-formed files, all events at once
smf_notes    pairing events to notes, and their programs
"""
