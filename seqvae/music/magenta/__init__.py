"""Models of Magenta's MusicVAE and GrooVAE: reading their checkpoints, and their networks.

    places          finds a checkpoint: a prefix, a folder, a tar
    bundle          TensorFlow's checkpoints, with `table` (names), `crc` (checksums)
    tfjs, web       checkpoints of magenta.js, and their `config.json`
    configurations  Magenta's configurations, as data
    layout          the tensors of a layer in a checkpoint, and their conversion
    conversion      from a checkpoint to an architecture and weights
    importing       from a checkpoint to a model folder
    architecture, tokens, encoder, heads, core, decoder, model
                    the networks, which compute what Magenta's do
    writer, chain   fast decoding, bar by bar

Differences from `seqvae.music.networks`: layers of an LSTM may differ in width; z is an input of
every step; a bar is given the last step of the bar before it; the posterior's standard deviation
has no lower bound; and the output layers of NADE and GrooVAE.
"""
