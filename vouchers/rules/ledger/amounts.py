"""What may stand where an amount is asked for. Pure; the one place with the largest amount."""

from typing import Final

from merchants.errors import Refusal

MOST_FEN: Final = 10**15
"""¥10 trillion. Nine thousand of these still add up within a database's bigint."""


def check_amount_fen(value: object, *, least_fen: int = 1) -> Refusal | None:
    """None for a whole number of fen from `least_fen` to `MOST_FEN`; else `amount_not_whole`,
    `amount_not_positive` or `amount_too_large`."""
    if not isinstance(value, int) or isinstance(value, bool):
        return Refusal("amount_not_whole", "whole_fen", {"amount": str(value)})
    if value < least_fen:
        return Refusal(
            "amount_not_positive", "least_amount", {"amount_fen": value, "least_fen": least_fen}
        )
    if value > MOST_FEN:
        # Written out: nothing larger than this goes into the books, nor into a JSON number.
        return Refusal(
            "amount_too_large", "most_amount", {"amount": str(value), "most_fen": MOST_FEN}
        )
    return None


def check_currency(currency: str, *, wanted: str) -> Refusal | None:
    """`currency_mismatch` unless the money is in the campaign's own currency."""
    if currency == wanted:
        return None
    return Refusal("currency_mismatch", "one_currency", {"currency": currency, "wanted": wanted})
