"""`python -m seqvae`: the command, where the console script is not on the path."""

from seqvae.cli import main

if __name__ == "__main__":
    main()
