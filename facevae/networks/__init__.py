"""The convolutional networks of the face VAE: the lecture's, a plain contrast, and the residual."""
