"""What music and text share: layers, loaders and attribute vectors of sequences of class indices.

lstm         LSTM layers whose inputs are projected once, for all steps
affine       the matrix product that is fastest on this processor
embedding    embeddings of classes that know what their classes are made of
heads        distributions over the classes of a step
sampling     draws from logits that do not depend on the batch
sizes        the largest sizes that a model folder may ask for
loader       batches of windows, shuffled and exactly resumable
registry     codecs by the name of their representation
property     one measurable property of examples
attributes   one latent direction for each property
"""
