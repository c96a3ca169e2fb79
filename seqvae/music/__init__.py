"""The domain of music: drums, performances, melodies and trios over the shared latent core.

reading           MIDI files to scores: notes in seconds, tempos, meters
representations   windows of a score as numbers, a folder for each way to do so
networks          LSTM encoders and decoders, flat and hierarchical
presentation      MIDI, piano rolls, text pictures, sound
data              from folders of MIDI to shards to batches
properties        what is measured of windows, and how their notes are distributed
form              which bars of a window repeat earlier ones
train, evaluate   from shards to a model folder; quality on files never seen
domain            what all this is to the core
"""
