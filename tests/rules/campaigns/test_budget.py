"""Face × count against what the sources give, and the two ways to make it fit."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.campaigns.budget import budget_of, fitting_appropriations, fitting_counts
from vouchers.rules.campaigns.terms import CellTerms, Terms, TierTerms
from vouchers.states import TierKind

NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
BARE = Terms(
    starts_at=NOON,
    ends_at=NOON.replace(month=5),
    validity_s=86_400,
    radii_m=(3_000,),
    store_count=1,
    point_kinds=("home",),
    appropriated_fen={},
)


def with_tiers(
    appropriated_fen: dict[str, int], tiers: dict[str, tuple[dict[str, int], int | None]]
) -> Terms:
    """Tiers by code: their shares and number of vouchers."""
    return replace(
        BARE,
        appropriated_fen=appropriated_fen,
        tiers=tuple(
            TierTerms(code, TierKind.FLAT, sum(shares.values()), 0, None, shares)
            for code, (shares, _) in tiers.items()
        ),
        cells=tuple(
            CellTerms(frozenset({("tier", code)}), None, count)
            for code, (_, count) in tiers.items()
            if count is not None
        ),
    )


def test_each_source_is_compared_with_its_own_shares() -> None:
    terms = with_tiers(
        {"city": 10_000, "group": 5_000},
        {"off20": ({"city": 1_200, "group": 800}, 5), "off50": ({"city": 5_000}, 1)},
    )
    budget = budget_of(terms)
    assert [(source.code, source.left_fen) for source in budget.sources] == [
        ("city", -1_000),
        ("group", 1_000),
    ]
    assert budget.planned_fen == budget.appropriated_fen == 15_000
    assert not budget.is_exact, "one source is short although the sum is right"


def test_a_tier_without_a_number_is_never_exact() -> None:
    terms = with_tiers({"city": 2_000}, {"off20": ({"city": 2_000}, None)})
    assert budget_of(terms).tiers[0].count is None
    assert not budget_of(terms).is_exact


def test_numbers_keep_their_proportion_and_the_rest_goes_to_the_largest_face() -> None:
    terms = with_tiers(
        {"city": 1_000_000}, {"off20": ({"city": 2_000}, 200), "off50": ({"city": 5_000}, 200)}
    )
    assert fitting_counts(terms) == {"off20": 142, "off50": 143}


def test_tiers_without_numbers_count_alike() -> None:
    terms = with_tiers(
        {"city": 70_000}, {"off20": ({"city": 2_000}, None), "off50": ({"city": 5_000}, None)}
    )
    assert fitting_counts(terms) == {"off20": 10, "off50": 10}


def test_a_tier_without_a_number_takes_what_the_others_leave() -> None:
    terms = with_tiers(
        {"city": 100_000}, {"off20": ({"city": 2_000}, 10), "off50": ({"city": 5_000}, None)}
    )
    assert fitting_counts(terms) == {"off20": 10, "off50": 16}


def test_a_tier_of_no_vouchers_stays_so() -> None:
    terms = with_tiers(
        {"city": 100_000}, {"off20": ({"city": 2_000}, 0), "off50": ({"city": 5_000}, 1)}
    )
    assert fitting_counts(terms) == {"off20": 0, "off50": 20}


def test_the_budget_becomes_what_is_planned() -> None:
    terms = with_tiers(
        {"city": 1, "group": 9_999_999}, {"off20": ({"city": 1_200, "group": 800}, 7)}
    )
    assert fitting_appropriations(terms) == {"city": 8_400, "group": 5_600}


SHARES = st.dictionaries(st.sampled_from(["city", "group", "shop"]), st.integers(1, 90_000))


@given(
    given_fen=st.fixed_dictionaries(
        {source: st.integers(0, 10**13) for source in ("city", "group", "shop")}
    ),
    tiers=st.dictionaries(
        st.text("abc", min_size=1, max_size=2),
        st.tuples(SHARES.filter(bool), st.none() | st.integers(0, 5_000_000)),
        min_size=1,
        max_size=4,
    ),
)
def test_no_source_is_overdrawn_and_no_voucher_more_would_fit(
    given_fen: dict[str, int], tiers: dict[str, tuple[dict[str, int], int | None]]
) -> None:
    terms = with_tiers(given_fen, dict(tiers))
    counts = fitting_counts(terms)
    left_fen = dict(given_fen)
    for code, (shares, _) in tiers.items():
        for source, fen in shares.items():
            left_fen[source] -= fen * counts[code]
    assert min(left_fen.values()) >= 0
    for code, (shares, planned) in tiers.items():
        if planned is None or planned or not any(count for _, count in tiers.values()):
            assert any(left_fen[source] < fen for source, fen in shares.items()), code
