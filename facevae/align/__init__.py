"""Ordinary photographs to the framing of the training set.

A model of faces knows faces only where they lay in its training set. CelebA-HQ has the eyes level,
a little above the middle (at 47 % of the height) and a quarter of the width apart. Here a
photograph's face is found, and turned, scaled and cut out to lie so.

    geometry    similarities: turn, scale and shift as one object
    network     the framing network: how does the face lie in this crop? (`tools.framing` trains it)
    finding     where may there be faces: OpenCV's Haar cascades (the extra `align`)
    pictures    cutting turned squares out of large photographs, and filling what lies outside
    framing     `frame` and `is_framed`: the above together
    folder      `align_folder`: a folder of photographs
"""

from facevae.align.folder import AlignReport, align_folder
from facevae.align.framing import Framing, frame, frame_image, is_framed

__all__ = ["AlignReport", "Framing", "align_folder", "frame", "frame_image", "is_framed"]
