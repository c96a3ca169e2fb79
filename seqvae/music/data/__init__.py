"""From folders of MIDI files to batches of windows.

prepare          from folders of MIDI files to shards, without duplicates, split, with a summary
reading          finding files, and reading the windows of a file
guard, child     reading in a child process, with limits of time and memory
executors        reading in parallel: on this machine, or on a Dask cluster
journal          finished chunks on disk, so that a preparation can be resumed
merge            splits, de-duplication, the summary
summary          counts of files and windows that were used or left out
shards           the Parquet files on disk: columns, writing and reading
streaming        batches from shards that do not fit into memory
augment          random changes of a batch that keep it music
"""
