"""Sentences: text over the same latent core as music.

    vocabulary      the pieces of words that are the classes, learned from sentences
    codec           from sentences to class indices and back
    network         the LSTM encoder and decoder of sentences
    data            text files, and the split into training and validation
    loader          batches of sentences of similar length
    properties      measurable properties of sentences: length, people, outdoors, ...
    presets         recipes
    train           from text files to a model folder
    evaluate        quality on unseen sentences
    domain          codec and network for the core

Text models are used like others: with `seqvae.load`, and with every verb of the command.
"""
