"""Training the network of `facevae.align`: its examples, and the training.

synthesis   training examples, made afresh from framed faces
train       `python -m tools.framing.train FACES -o framing.safetensors`
"""
