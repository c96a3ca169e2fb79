"""How music is perceived: how much windows differ, what is wrong in them, and windows by rules.

    voice     what the windows of one voice need to know; rhythm, which all share
    notes     melodies and basses
    drums     drum patterns
    whole     windows of all voices, as `vaecore.perception` wants them

Performances are in `representations.groove.perception`. None of the windows that rules make is a
result: they are encoded, and a search goes on from their codes (see `vaecore.calibrated`).
"""
