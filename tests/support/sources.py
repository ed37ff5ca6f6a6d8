"""Python's sources, read by their statements: what is asked of a whole tree of modules is found
without a look into every expression."""

import ast
from collections.abc import Iterator

INSIDE = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where a statement has others."""


def statements_of(text: str) -> Iterator[ast.AST]:
    """All statements of a module, those within others too."""
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        yield node
        for field in INSIDE:
            waiting.extend(getattr(node, field, ()))
