"""Reading music: a MIDI file, a PrettyMIDI or a NoteSequence becomes a `Score`.

midi         reading files and objects, and the errors of those that cannot be used
container    what music is packed in: gzip, RIFF; scores in MusicXML and ABC
score        notes in seconds, tempos and meters; cut into passages
pieces       the passages: notes on the sixteenth grid
reference    the same as the reference system cuts them
beats        bars from a list of beats beside a file
clock        seconds, quarter notes and bars
smf_music    what a MIDI file says, as players understand it
smf_arrays   all events of well-formed files at once
smf_damaged  the events of files that are not quite legal, one by one
smf_notes    pairing events to notes, and their programs
playing      the same file for the ear, with pedals and bends
smf          the same file as the reference system reads it
"""
