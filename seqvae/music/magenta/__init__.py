"""Models of Magenta's MusicVAE and GrooVAE: reading their checkpoints, and their networks.

    places          finds a checkpoint: a prefix, a folder, a tar
    bundle          TensorFlow's checkpoints, with `table` (names), `crc` (checksums)
    tfjs            checkpoints of magenta.js
    configurations  Magenta's configurations, as data
    layout          which tensors there must be, and what becomes of each
    conversion      from a checkpoint to an architecture and weights
    importing       all of it, to a model folder
    architecture, tokens, encoder, heads, decoder, model
                    the networks, whose results are Magenta's

What differs from our own networks: the LSTMs' layers may differ in width; z is an input of every
step; bars begin with the last step of the bar before; the posterior's deviation has no floor; and
the output layers of NADE and GrooVAE.
"""
