"""Framing faces in photographs as in the training set.

A model of faces needs them framed as in its training set. CelebA-HQ has the eyes level, a little
above the middle (at 47 % of the height) and a quarter of the width apart. A photograph's face is
found, turned, scaled and cut out in this way.

    geometry    similarities: rotation, scale and shift as one object
    network     the framing network, which locates a face in a crop (`tools.framing` trains it)
    judges      two networks that detect faces: the scout and the judge
    finding     candidates: the places where the scout detects a face
    photograph  cutting rotated squares out of large photographs, and filling beyond their edges
    framing     `frame` and `is_framed`
    folder      `align_folder`, for a folder of photographs
"""

from facevae.align.folder import AlignReport, align_folder
from facevae.align.framing import Framing, frame, frame_image, is_framed

__all__ = ["AlignReport", "Framing", "align_folder", "frame", "frame_image", "is_framed"]
