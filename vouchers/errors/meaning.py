"""The shape of an entry of the refusal catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Audience = Literal["till", "manager"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: HTTP status, whether the same request may succeed later, texts, who decided.

    Texts may name facts in braces; a fact `x_fen` is also there as `x` written in yuan.
    """

    code: str
    status: int
    en: str
    zh: str
    authority: str
    retryable: bool = False
    audience: Audience = "till"
    # Texts in English and Chinese of rules that need their own.
    by_rule: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # The deciding rule and its facts stay in our books: they would tell whose a thing is.
    is_opaque: bool = False
