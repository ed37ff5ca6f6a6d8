"""The need score with stated weights: the same for the same facts, and never less for more."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.audience.need import (
    MOST_POINTS,
    NAMES,
    InvalidWeightError,
    NeedFacts,
    NeedWeights,
)

YEAR = 2026
points = st.integers(1, MOST_POINTS)
weights = st.dictionaries(st.sampled_from(NAMES), points, max_size=12)
person = st.fixed_dictionaries(
    {
        "need_score": st.integers(-32_768, 32_767),
        "birth_year": st.sampled_from([0, 1900, 1946, 1947, 1966, 1967, 2020]),
        "is_registered": st.booleans(),
        "has_residence_permit": st.booleans(),
        "tags": st.integers(-(2**63), 2**63 - 1),
    }
)
Person = Mapping[str, Any]


def need(document: Mapping[str, int], *people: Person) -> list[int]:
    columns: dict[str, Any] = {
        name: np.array([one[name] for one in people]) for name in NeedFacts.__dataclass_fields__
    }
    return list(NeedWeights.of(document).need(NeedFacts(**columns), year=YEAR).tolist())


def nobody(**known: Any) -> Person:
    """Of whom nothing is on file but what is given."""
    unknown = dict.fromkeys(NeedFacts.__dataclass_fields__, 0)
    return {**unknown, "is_registered": False, "has_residence_permit": False, **known}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, 0),
        ({"need_score": 7}, 14),
        ({"need_score": -1}, -2),
        ({"birth_year": YEAR - 59}, 0),
        ({"birth_year": YEAR - 60}, 20),
        ({"birth_year": YEAR - 79}, 20),
        ({"birth_year": YEAR - 80}, 25),
        ({"is_registered": True}, 3),
        ({"has_residence_permit": True}, 4),
        ({"tags": 1 << 3}, 30),
        ({"tags": -(1 << 63)}, 9),
        ({"tags": 1 << 4}, 0),
    ],
)
def test_missing_attributes_add_nothing_to_the_need_score(known: Any, expected: int) -> None:
    document = {
        "need_score": 2,
        "age_60": 20,
        "age_80": 5,
        "is_registered": 3,
        "has_residence_permit": 4,
        "tag_3": 30,
        "tag_63": 9,
    }
    assert need(document, nobody(**known)) == [expected]


@given(st.lists(person, min_size=1, max_size=5))
def test_without_weights_the_score_on_file_is_the_need(people: list[Person]) -> None:
    assert need({}, *people) == [one["need_score"] for one in people]


@given(weights, st.lists(person, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_neither_the_order_of_weights_nor_other_people_change_a_score(
    document: dict[str, int], people: list[Person], random: Any
) -> None:
    shuffled = dict(random.sample(list(document.items()), len(document)))
    alone = [need(shuffled, one)[0] for one in people]
    assert need(document, *people) == alone


@given(weights, st.sampled_from(NAMES[1:]), points, person)
def test_a_weight_added_or_raised_never_takes_points(
    document: dict[str, int], name: str, more: int, one: Person
) -> None:
    raised = {**document, name: min(MOST_POINTS, document.get(name, 0) + more)}
    before = need(document or {"need_score": 1}, one)
    assert need(raised if document else {"need_score": 1, **raised}, one) >= before


@given(weights, person, st.integers(0, 63), st.integers(0, 100))
def test_having_more_of_what_counts_never_takes_points(
    document: dict[str, int], one: Person, bit: int, more: int
) -> None:
    mask = 1 << bit
    richer = {
        "need_score": min(32_767, one["need_score"] + more),
        "birth_year": one["birth_year"] and 1900,
        "is_registered": True,
        "has_residence_permit": True,
        "tags": one["tags"] | (mask - (1 << 64) if bit == 63 else mask),
    }
    assert need(document, richer) >= need(document, one)


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"wealth": 1}, "need_weight_known"),
        ({"tag_64": 1}, "need_weight_known"),
        ({"tag_07": 1}, "need_weight_known"),
        ({"age_60": 0}, "need_weight_in_range"),
        ({"age_60": -5}, "need_weight_in_range"),
        ({"age_60": MOST_POINTS + 1}, "need_weight_in_range"),
        ({"age_60": True}, "need_weight_in_range"),
        ({"age_60": 1.5}, "need_weight_in_range"),
    ],
)
def test_weights_that_cannot_be_applied_are_refused(document: Any, rule: str) -> None:
    with pytest.raises(InvalidWeightError) as refused:
        NeedWeights.of(document)
    assert refused.value.args == (rule, *document)
