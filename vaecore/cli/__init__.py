"""The command line that every domain shares.

    main           the command group, which reports every error in one line with an exit code
    build          the group of a package: shared verbs over its domains
    dispatch       the choice of the domain for a command line
    presentation   the interface of a domain: how results are written and shown, and its options
    job            one run of a verb: model, inputs, outputs and report
    options        the options that verbs share
    blend, vary    interpolate, palette; sample, reconstruct, edit, similar
    study          attribute, analyze, evaluate
    box            models
    page, share    page; export, push
    learn          the shared part of `train`

Nothing here imports torch before a verb runs.
"""

from vaecore.cli.build import build
from vaecore.cli.main import Group
from vaecore.cli.presentation import Choice, Input, Presentation, Result, Source, Written

__all__ = ["Choice", "Group", "Input", "Presentation", "Result", "Source", "Written", "build"]
