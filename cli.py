"""Runs a command from a checkout: `python cli.py seqvae ...` or `python cli.py facevae ...`."""

import sys
from importlib import import_module

COMMANDS = ("seqvae", "facevae")

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python cli.py {{{'|'.join(COMMANDS)}}} ...", file=sys.stderr)
        sys.exit(2)
    sys.argv = sys.argv[1:]
    import_module(f"{sys.argv[0]}.cli").main()
