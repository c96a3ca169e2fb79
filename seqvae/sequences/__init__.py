"""What music and text share: layers, loaders and attribute vectors of sequences of class indices.

lstm         LSTM layers: one fused pass for training, single steps for decoding
affine       matrix products by the fastest kernel of this processor
layers       a typed `nn.ModuleList`
embedding    embeddings of classes, from features of the classes
heads        distributions over the classes of a step
sampling     draws from logits that do not depend on the batch
sizes        the largest sizes that a model folder may have
loader       batches of windows, shuffled, and the same after a resume
property     a measurable property of examples
attributes   an attribute vector for each property
"""
