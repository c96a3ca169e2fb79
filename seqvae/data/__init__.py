"""From folders of MIDI files to batches of windows.

prepare          MIDI folders -> windows -> de-duplicated, split shards, with a summary
shards           the Parquet files on disk: what a row is, writing and reading
dataset          shuffled batches out of shards, exactly resumable
augment          random but music-preserving changes of a batch
music21_export   the tunes that music21 ships, as MIDI files
"""
