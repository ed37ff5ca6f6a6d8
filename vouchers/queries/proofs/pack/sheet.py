"""What a file of the auditor's pack is: a statement, and which of its columns name people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_COLUMNS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sheet:
    """`text` selects the rows of campaign %(campaign_id)s in the order they are written.

    `hidden` gives by column the kind of identifier that is replaced by a pseudonym.
    """

    name: str
    text: str
    hidden: Mapping[str, str] = field(default_factory=lambda: NO_COLUMNS)

    @property
    def file(self) -> str:
        """Its name in the archive."""
        return f"{self.name}.jsonl"
