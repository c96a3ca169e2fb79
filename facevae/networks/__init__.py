"""The convolutional networks of the face VAE, by `kind` of an architecture.

plain      "lecture" and "vanilla", to be compared with
residual   "residual", with principal components inside (`principal`)
spatial    "spatial": a code that is a feature map
critic     what a decoder is trained against
"""
