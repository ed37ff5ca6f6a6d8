"""Money is an integer number of fen. Splitting leaves no remainder; nothing rounds silently."""

from collections.abc import Sequence
from typing import Final

WHOLE_BP: Final = 10_000
"""Basis points (‱) of a whole."""


def yuan(amount_fen: int) -> str:
    """`123450` → `¥1,234.50`; negative amounts keep their sign in front."""
    sign = "-" if amount_fen < 0 else ""
    whole, part = divmod(abs(amount_fen), 100)
    return f"{sign}¥{whole:,}.{part:02d}"


def split_pro_rata(total_fen: int, weights: Sequence[int]) -> list[int]:
    """`total_fen` (≥ 0) in proportion to `weights` (≥ 0, some > 0), by largest remainder.

    The parts add up to the total; of equal remainders the earlier one is served first, so the same
    arguments always give the same parts.
    """
    whole = sum(weights)
    if total_fen < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError(f"cannot split {total_fen} fen by {list(weights)}")
    parts = [total_fen * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total_fen * weights[i] % whole), i))
    for i in by_remainder[: total_fen - sum(parts)]:
        parts[i] += 1
    return parts


def split_evenly(total_fen: int, parts: int) -> list[int]:
    """`total_fen` in equal parts, the first ones taking the odd fen."""
    return split_pro_rata(total_fen, [1] * parts)
