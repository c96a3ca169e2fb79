"""Training of the networks of `facevae.align`.

synthesis   training examples, made from framed faces at random
faceless    pictures without a face
train       `python -m tools.framing.train FACES -o framing.safetensors`
judges      `python -m tools.framing.judges FACES PICTURES -o judges.safetensors`
"""
