"""What every refusal code means: to HTTP, to a cashier in two languages, and who decided.

The one table. The handlers of both doors, the OpenAPI description and the README are made from it.
"""

from collections.abc import Mapping

import msgspec

from merchants.errors import Fact, Refusal
from vouchers.errors.manager import MANAGER
from vouchers.errors.meaning import Meaning
from vouchers.errors.till import TILL
from vouchers.money import yuan

CONTENT_TYPE = "application/problem+json"

CATALOGUE: Mapping[str, Meaning] = {meaning.code: meaning for meaning in (*TILL, *MANAGER)}


class _Facts(dict[str, Fact]):
    """Facts for a text: `x_fen` also as `x` in yuan, `x` as `x_zh`, a missing one as a dash."""

    def __missing__(self, name: str) -> str:
        if name.endswith("_zh"):
            return str(self[name.removesuffix("_zh")])
        amount_fen = self.get(f"{name}_fen")
        return yuan(amount_fen) if isinstance(amount_fen, int) else "–"


def explain(refusal: Refusal, language: str) -> str:
    """The refusal as a sentence, in `zh…` or else English."""
    meaning = CATALOGUE[refusal.code]
    en, zh = meaning.by_rule.get(refusal.rule, (meaning.en, meaning.zh))
    text = zh if language.startswith("zh") else en
    return text.format_map(_Facts(refusal.facts))


def problem(refusal: Refusal) -> tuple[int, bytes]:
    """HTTP status and RFC 9457 body of a refusal; the same refusal always gives the same bytes."""
    meaning = CATALOGUE[refusal.code]
    body = {
        "type": f"urn:huimin:refusal:{meaning.code}",
        "title": explain(refusal, "en"),
        "title_zh": explain(refusal, "zh"),
        "status": meaning.status,
        "code": meaning.code,
        "retryable": meaning.retryable,
        "authority": meaning.authority,
        "rule": meaning.code if meaning.is_opaque else refusal.rule or meaning.code,
        "facts": {} if meaning.is_opaque else dict(refusal.facts),
    }
    return meaning.status, msgspec.json.encode(body)
