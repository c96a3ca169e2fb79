"""`python -m seqvae.cli`, and so `torchrun --nproc-per-node 2 -m seqvae.cli train ...`."""

from seqvae.cli import main

if __name__ == "__main__":
    main()
