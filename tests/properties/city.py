"""The small city that the machine lives in, and what its tills may send."""

from datetime import timedelta

from hypothesis import strategies as st

from tests import cast
from tests.cast import NOON
from tests.properties.model import LIMITS, Tier
from vouchers.models import Campaign
from vouchers.services import terms
from vouchers.states import TierKind

TIERS = (
    Tier("off20", 2_000, {"city": 1_200, "group": 800}, threshold_fen=10_000, cap_count=12),
    Tier("off15pc", 3_001, {"city": 1_801, "group": 1_200}, percent=15, cap_fen=9 * 3_001),
)
BUDGET_FEN = 100_000
PER_RESIDENT = 2
LAST_DAY = NOON + timedelta(days=20)
LEASE_S = 60
PEOPLE = ("alice", "carol", "erin")
STORES = ("nanjing_road", "xujiahui", "closed_shop", "rival_shop")
SHUT = {"closed_shop": "store_closed", "rival_shop": "store_not_participating"}

good_orders = st.tuples(
    st.integers(0, 99),
    st.just(True),
    st.sampled_from(STORES[:2]),
    st.sampled_from([10_000, 12_345, 20_006, 50_000]),
    st.just("new"),
    st.just(0),
)
orders = st.tuples(
    st.integers(0, 99),  # which voucher
    st.sampled_from([True] * 7 + [False]),  # shown by its holder?
    st.sampled_from(STORES[:2] * 4 + STORES[2:]),
    st.sampled_from([1, 7, 9_999, 10_000, 12_345, 20_006, 50_000]),
    st.sampled_from(["new"] * 6 + ["replay", "replay", "changed", "same order"]),
    st.integers(0, 99),  # which earlier request
)


def open_city() -> Campaign:
    """Two sources, two tiers, three people in the circle and one outside; open."""
    draft = cast.spring_campaign(
        budget_fen=BUDGET_FEN,
        funding=cast.CO_FUNDED,
        tiers={"off20": (2_000, 10_000)},
        tier_counts={"off20": 12},
        per_resident=PER_RESIDENT,
        caps=LIMITS,
        validity_s=2 * 24 * 3600,
    )
    percent = terms.add_tier(
        campaign=draft,
        code="off15pc",
        name="八五折",
        kind=TierKind.PERCENT,
        percent_bp=1_500,
        face_fen=TIERS[1].face_fen,
        split=dict(TIERS[1].split),
        per_resident=PER_RESIDENT,
        by=cast.mei(),
        at=NOON,
    )
    terms.add_cell(campaign=draft, tier=percent, cap_fen=TIERS[1].cap_fen, by=cast.mei(), at=NOON)
    for name in PEOPLE:
        cast.resident(name)
    cast.bob()
    cast.rival_shop()
    return cast.launched(draft)
