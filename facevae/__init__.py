"""Faces over the shared latent core.

    cli         the `facevae` command
    models      the models in the box: none yet

There is no face model yet, and so nothing to load; `facevae models` says so.
"""
