"""Sentences: text over the same latent core as music.

    vocabulary      the pieces of words that are classes, learned from sentences
    codec           sentences to class indices and back
    network         the LSTM encoder and decoder of sentences
    data            text files: sentences to train on and sentences to validate on
    loader          batches of sentences of similar length
    properties      measurable properties of a sentence: length, people, outdoors, ...
    presets         recipes
    train           from text files to a model folder
    evaluate        quality on unseen sentences
    domain          codec and network as the core uses them

Text models are used like others: by `seqvae.load`, and by every verb of the command.
"""
