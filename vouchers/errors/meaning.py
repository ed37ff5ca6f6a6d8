"""The shape of an entry of the refusal catalogue."""

from dataclasses import dataclass
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
    # The deciding rule and its facts stay in our books: they would tell whose a thing is.
    is_opaque: bool = False
