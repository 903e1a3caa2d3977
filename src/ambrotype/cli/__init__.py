"""The command line. A command's file holds its options and imports what it needs when it runs, so that `--help` is
quick; `commands` lists them all, `running` runs them, `exits` says how they end.
"""

import sys


def main() -> None:
    """What `ambrotype` starts."""
    from ambrotype.cli import exits

    sys.exit(exits.run(sys.argv[1:]))
