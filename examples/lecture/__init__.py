"""The figures of docs/lecture.md, from the shipped models: `python -m examples.lecture -o figures`.

    figures    the list of all, and what every figure is given
    digits     autoencoder against VAE, the two terms of the loss, the manifold of digits
    faces      arithmetic, morph, attributes, the five tips, the latent dimensions
    music      blending two pieces, and a palette of four

A figure is one function: it is given a `Setting`, writes a picture, and returns what it measured.
"""
