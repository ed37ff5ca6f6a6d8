"""Size, choice and error interval of a sample of redemptions. Pure.

Size: n₀ = z²·p(1−p)/e² for a proportion p (½ where nothing is known, the most careful), margin e
and the normal quantile z of the confidence; with the finite population correction n = n₀ / (1 +
(n₀ − 1)/N) (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, §4.4). Interval: Wilson's score
interval (E. B. Wilson, JASA 22, 1927), which holds also where few errors are found or none.
"""

import heapq
from collections.abc import Iterable
from hashlib import sha256
from math import ceil, sqrt
from statistics import NormalDist

INTERVAL = "(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n"
"""The interval for k errors among n, as it is printed."""


def quantile(confidence: float) -> float:
    """z for a two-sided confidence between 0 and 1: 1.96 for 0.95."""
    if not 0 < confidence < 1:
        raise ValueError("the confidence lies between 0 and 1")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def sample_size(
    population: int, *, confidence: float, margin: float, proportion: float = 0.5
) -> int:
    """The sample size for which the share found is within `margin` of the true one."""
    if not 0 < margin < 1:
        raise ValueError("the margin lies between 0 and 1")
    if population <= 0:
        return 0
    z = quantile(confidence)
    at_large = z * z * proportion * (1 - proportion) / (margin * margin)
    size = ceil(at_large / (1 + (at_large - 1) / population))
    return min(population, max(1, size))


def rank(seed: str, number: int) -> bytes:
    """SHA-256 of "seed|number": orders the population; repeatable by anyone with the seed."""
    return sha256(f"{seed}|{number}".encode()).digest()


def draw(population: Iterable[int], *, size: int, seed: str) -> list[int]:
    """The `size` numbers of lowest rank, ascending; their order beforehand makes no difference."""
    return sorted(heapq.nsmallest(size, population, key=lambda number: rank(seed, number)))


def wilson(errors: int, size: int, *, confidence: float) -> tuple[float, float]:
    """Lower and upper bound of the true share, with `errors` found among `size`."""
    if not 0 <= errors <= size or not size:
        raise ValueError("errors are found among those looked at")
    z, share = quantile(confidence), errors / size
    centre = share + z * z / (2 * size)
    half_width = z * sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    whole = 1 + z * z / size
    return max(0.0, (centre - half_width) / whole), min(1.0, (centre + half_width) / whole)
