"""Sentences: text over the same latent core as music.

    vocabulary      which pieces of words are classes, learned from sentences
    codec           sentences to class indices and back
    network         the LSTM encoder and decoder, whose windows end at an end token
    data            text files: sentences to train on and sentences to validate on
    properties      what can be measured of a sentence: length, people, outdoors, ...
    train           from a text file to a model folder
    evaluate        quality on sentences never seen
    presentation    sentences at the command line

A text model is a model of seqvae like any other: `seqvae.load` finds it, every verb takes it.
"""
