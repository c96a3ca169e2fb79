"""Ordinary photographs to the framing of the training set.

A model of faces needs them framed as in its training set. CelebA-HQ has the eyes level, a little
above the middle (at 47 % of the height) and a quarter of the width apart. Here a photograph's face
is found, turned, scaled and cut out like that.

    geometry    similarities: turn, scale and shift as one object
    network     the framing network: measures how a face lies in a crop (`tools.framing` trains it)
    judges      two networks that tell faces from everything else: the scout and the judge
    finding     candidate places of faces, where the scout sees one
    photograph  cutting turned squares out of large photographs, and filling what lies outside
    framing     `frame` and `is_framed`: the above together
    folder      `align_folder`: a folder of photographs
"""

from facevae.align.folder import AlignReport, align_folder
from facevae.align.framing import Framing, frame, frame_image, is_framed

__all__ = ["AlignReport", "Framing", "align_folder", "frame", "frame_image", "is_framed"]
