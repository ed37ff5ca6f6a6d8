"""Samples: as large as the textbook says, reproducible from the seed, read with Wilson."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.proofs.sampling import draw, quantile, sample_size, wilson


@pytest.mark.parametrize(
    ("population", "confidence", "margin", "size"),
    [
        (1_000_000_000, 0.95, 0.05, 385),
        (1_000_000_000, 0.95, 0.02, 2401),
        (1_000_000_000, 0.99, 0.01, 16587),
        (1_000, 0.95, 0.05, 278),
        (10, 0.95, 0.05, 10),
        (1, 0.95, 0.05, 1),
        (0, 0.95, 0.05, 0),
    ],
)
def test_the_size_is_the_textbooks(
    population: int, confidence: float, margin: float, size: int
) -> None:
    assert sample_size(population, confidence=confidence, margin=margin) == size


@given(
    population=st.integers(1, 10**8),
    margin=st.floats(0.001, 0.5),
    confidence=st.floats(0.5, 0.999),
)
def test_no_sample_is_larger_than_what_there_is(
    population: int, margin: float, confidence: float
) -> None:
    size = sample_size(population, confidence=confidence, margin=margin)
    assert 1 <= size <= population
    assert size >= sample_size(population, confidence=confidence, margin=min(0.9, margin * 2))


def test_the_same_seed_draws_the_same() -> None:
    numbers = list(range(1, 2_000))
    shuffled = random.Random(3).sample(numbers, len(numbers))
    drawn = draw(numbers, size=50, seed="2026-04-01 #7")
    assert drawn == draw(shuffled, size=50, seed="2026-04-01 #7")
    assert drawn != draw(numbers, size=50, seed="2026-04-01 #8")
    by_hand = sorted(
        numbers, key=lambda n: hashlib.sha256(f"2026-04-01 #7|{n}".encode()).hexdigest()
    )
    assert drawn == sorted(by_hand[:50])


def test_every_element_is_equally_likely() -> None:
    hits = [0] * 10
    for seed in range(2_000):
        for number in draw(range(10), size=3, seed=str(seed)):
            hits[number] += 1
    assert min(hits) > 600 - 5 * 21  # five standard deviations of a binomial (2000, 0.3)
    assert max(hits) < 600 + 5 * 21


@pytest.mark.parametrize(
    ("errors", "size", "low", "high"),
    [  # R: binom::binom.wilson(x, n)
        (0, 10, 0.0, 0.2775328),
        (10, 100, 0.05522914, 0.17436566),
        (50, 100, 0.4038315, 0.5961685),
        (100, 100, 0.9630065, 1.0),
    ],
)
def test_the_interval_is_wilsons(errors: int, size: int, low: float, high: float) -> None:
    assert wilson(errors, size, confidence=0.95) == pytest.approx((low, high), abs=1e-6)


def test_the_interval_holds_as_often_as_it_says() -> None:
    rng = random.Random(11)
    held = 0
    for _ in range(3_000):
        errors = sum(rng.random() < 0.04 for _ in range(200))
        low, high = wilson(errors, 200, confidence=0.95)
        held += low <= 0.04 <= high
    assert held / 3_000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("wrong", [-1, 11])
def test_errors_are_among_those_looked_at(wrong: int) -> None:
    with pytest.raises(ValueError, match="among"):
        wilson(wrong, 10, confidence=0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_no_sample_gives_certainty(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        quantile(confidence)
