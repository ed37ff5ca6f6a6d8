"""`Refusal`: one value with the code, the deciding rule and the facts of what was refused.

Rules return a `Refusal`; services raise it wrapped in `Refused`. What a code means to a person and
to HTTP is written down once, in the catalogue of the app that uses it (`vouchers/errors`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: stable `code`, the `rule` that decided, and the deciding `facts`."""

    code: str
    rule: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


class Refused(Exception):
    """Raised by a service that refuses; nothing of the refused act has been written."""

    def __init__(self, code: str, rule: str = "", **facts: Fact) -> None:
        self.refusal = Refusal(code, rule or code, facts)
        super().__init__(f"{code}: {facts}" if facts else code)
