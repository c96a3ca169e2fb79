"""From folders of MIDI files to batches of windows.

prepare          MIDI folders -> windows -> de-duplicated, split shards, with a summary
reading          what files there are, and the windows of one of them
guard, child     reading in a process that may hang, crash or eat memory
executors        many of these: on this machine, or on a Dask cluster
journal          what is done, kept on disk until all is done
merge            splits, de-duplication, the account
shards           the Parquet files on disk: what a row is, writing and reading
streaming        batches out of shards that do not fit into memory
augment          random but music-preserving changes of a batch
"""
