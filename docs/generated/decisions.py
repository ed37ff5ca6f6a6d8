"""The decisions, a file each in `docs/decisions`, one after the other on a page."""

import re
from collections.abc import Iterator
from pathlib import Path

from docs.generated.language import Language

FOLDER = Path(__file__).resolve().parent.parent / "decisions"
LINK = re.compile(r"\]\((\d{4})-[\w-]+\.md\)")


def decisions(_language: Language) -> str:
    """All of them as sections, in the language they were written in."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    for path in sorted(FOLDER.glob("*.md")):
        text = LINK.sub(r"](#decision-\1)", path.read_text(encoding="utf-8"))
        yield f"(decision-{path.name[:4]})="
        yield re.sub(r"^#", "##", text, flags=re.MULTILINE)
