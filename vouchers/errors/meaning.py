"""The shape of an entry of the refusal catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Audience = Literal["till", "channel", "integrator", "manager"]
"""Who meets a code: a cashier too, only residents in a channel's app, only who programs till or
channel, or only the campaign's managers."""


class Wording(NamedTuple):
    """The texts of a refusal, and whether the same request may succeed later."""

    en: str
    zh: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: HTTP status, whether the same request may succeed later, texts, who decided.

    Texts name facts in braces, spoken as `errors/spoken` does. `by_rule` has the wordings of rules
    that say more than the code does.
    """

    code: str
    status: int
    en: str
    zh: str
    authority: str
    retryable: bool = False
    audience: Audience = "till"
    # The deciding rule and its facts are stored, not answered: they would disclose the owner.
    is_opaque: bool = False
    by_rule: Mapping[str, Wording] = field(default_factory=dict)
    # Rules that are answered under the name of another, which discloses less; stored as they are.
    answered_as: Mapping[str, str] = field(default_factory=dict)

    def answered_rule(self, rule: str) -> str:
        """The rule as callers read it, in answers and in webhooks."""
        if self.is_opaque or not rule:
            return self.code
        return self.answered_as.get(rule, rule)

    def wording(self, rule: str) -> Wording:
        """The texts for a refusal by `rule`."""
        found = self.by_rule.get(rule)
        return found if found is not None else Wording(self.en, self.zh, self.retryable)
