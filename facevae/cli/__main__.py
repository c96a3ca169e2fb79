"""`python -m facevae.cli`, and so `torchrun --nproc-per-node 2 -m facevae.cli train ...`."""

from facevae.cli import main

if __name__ == "__main__":
    main()
