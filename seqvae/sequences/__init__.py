"""What music and text share: layers, loaders and attribute vectors of sequences of class indices.

lstm         LSTM layers: a fused pass for training, single steps for decoding
affine       the matrix product that is fastest on this processor
layers       a typed `nn.ModuleList`
embedding    embeddings of classes, from features of the classes
heads        distributions over the classes of a step
sampling     draws from logits that do not depend on the batch
sizes        the largest sizes that a model folder may have
loader       batches of windows, shuffled and exactly resumable
property     one measurable property of examples
attributes   one latent direction for each property
"""
