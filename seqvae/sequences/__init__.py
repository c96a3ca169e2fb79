"""What music and text share: layers, loaders and attribute vectors of sequences of class indices.

lstm         LSTM layers whose inputs are projected once, for all steps
affine       the matrix product that is fastest on this processor
sampling     draws from logits that do not depend on the batch
loader       batches of windows, shuffled and exactly resumable
property     one measurable property of examples
attributes   one latent direction for each property
"""
