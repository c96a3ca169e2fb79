"""The convolutional networks of the face VAE, by `kind` of an architecture.

plain      "lecture" and "vanilla", to be compared with
residual   "residual", with principal components inside (`principal`)
spatial    "spatial": a code that is a feature map
blocks     what spatial networks are made of
enlarging  the last stage of a spatial decoder, for pictures of twice the size
trunk      a classifier's layers, whose features are compared where codes are refined
critic     what a decoder is trained against
"""
