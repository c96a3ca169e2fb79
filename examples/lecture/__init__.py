"""The figures of docs/lecture.md, from the shipped models: `python -m examples.lecture -o figures`.

    figures    the list of all, and what every figure gets
    diagram    the VAE, with the numbers of one digit (drawn on a canvas)
    digits     autoencoder against VAE, points and areas, the manifold of digits, the two terms of
               the loss, moves along one dimension
    networks   fully connected against convolutional networks
    faces      arithmetic, morph, attributes, single dimensions, the five tips, the posterior
    music      blending two pieces, and a palette of four; performances
    text       the way between two sentences

A figure is one function: it takes a `Setting`, writes a picture, and returns what it measured.
"""
