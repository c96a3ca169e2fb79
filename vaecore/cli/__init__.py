"""The command line that every domain shares.

    main           a command group that answers every error with one line and an exit code
    build          the group of a domain: shared verbs over its models and its presentation
    presentation   what a domain adds: how results are written and shown, options of its own
    job            one run of one verb: the model, the inputs, the outputs, what is reported
    options        the options that all verbs share
    blend, vary    verbs that make something: interpolate, palette; sample, reconstruct, ...
    study          verbs that measure: attribute, analyze, evaluate
    box            models
    learn          what the verbs `train` share

Nothing here imports torch before a verb runs.
"""

from vaecore.cli.build import build
from vaecore.cli.main import Group
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written

__all__ = ["Choice", "Group", "Input", "Presentation", "Result", "Source", "Written", "build"]
