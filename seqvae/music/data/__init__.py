"""From folders of MIDI files to batches of windows.

prepare          MIDI folders -> windows -> de-duplicated, split shards, with a summary
reading          finding files, and the windows of one of them
guard, child     reading in a child process, under limits of time and memory
executors        many of these: on this machine, or on a Dask cluster
journal          finished chunks on disk, so that a preparation can be resumed
merge            splits, de-duplication, the summary
summary          counts of files and windows that were used or left out
shards           the Parquet files on disk: columns, writing and reading
streaming        batches out of shards that do not fit into memory
augment          random but music-preserving changes of a batch
"""
