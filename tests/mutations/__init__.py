"""Mutation check: every guard is broken in turn, and some test must go red.

`python -m tests.mutations` (or `make mutations`) runs the table; `table` is where to add to it.
"""
