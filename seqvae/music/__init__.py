"""The domain of music: drums, performances, melodies and trios over the shared latent core.

reading           MIDI files to scores: notes in seconds, tempos, meters
representations   windows of a score as numbers, a folder for each way to do so
networks          LSTM encoders and decoders, flat and hierarchical
presentation      MIDI, piano rolls, text pictures, sound
data              from folders of MIDI to shards to batches
properties        measurable properties of windows, and distributions of their notes
form              which bars of a window repeat earlier ones
train, evaluate   from shards to a model folder; quality on unseen files
domain            codecs and networks as the core uses them
"""
