"""From a folder of images to batches, streamed: only the files' names are kept in memory.

names       a great many names in little memory
folder      the images of a folder as a dataset; its training, validation and test part
labels      attributes of images, from a table in CelebA's form or a folder per label
parts       those that a training uses, and the labels of all
loader      shuffled batches from worker processes, exactly resumable
"""
