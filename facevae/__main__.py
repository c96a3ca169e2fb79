"""`python -m facevae`: the command, where the console script is not on the path."""

from facevae.cli import main

if __name__ == "__main__":
    main()
