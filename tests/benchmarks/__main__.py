"""`python -m tests.benchmarks [--only PREFIX]`: measure, print a table, keep the figures as JSON.

The figures are ratios of runs side by side on this machine. They say nothing while others use it;
how much others did is printed with them.
"""

import argparse
import os
import sys

import django

from config import embedded


def main() -> int:
    """Run what the arguments name; 1 when a baseline does not keep the engine's rules."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", default="", metavar="PREFIX", help="figures to measure")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median")
    parser.add_argument("--seconds", type=int, default=4, help="length of a run")
    parser.add_argument("--residents", type=int, default=60_000, help="size of the city")
    parser.add_argument("--compare", type=int, default=10_000, help="requests to compare by")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.ensure()
    django.setup()
    from tests.benchmarks.session import Session  # models load once Django is set up

    return Session(**vars(arguments)).run()


if __name__ == "__main__":
    sys.exit(main())
