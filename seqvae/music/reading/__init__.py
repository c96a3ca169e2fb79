"""Reading music: a MIDI file, a PrettyMIDI or a NoteSequence becomes a `Score`.

midi         what can be read, and what is refused
score        notes in seconds, tempos and meters; cut into pieces on the sixteenth grid
smf          the bytes of a standard MIDI file
smf_arrays   the same for well-formed files, all events at once
smf_notes    which events make a note, and which program plays it
"""
