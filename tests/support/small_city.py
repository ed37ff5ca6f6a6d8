"""The small city that the machine lives in, and what its tills may send."""

from datetime import timedelta

from django.db.models import Sum
from hypothesis import strategies as st

from tests.support import cast, draft_rows
from tests.support.cast import NOON
from tests.support.reference_model import LIMITS, Cap, Model, Tier
from vouchers.models import Campaign, QuotaCell
from vouchers.services.campaigns import terms
from vouchers.states import RefundPolicy, TierKind

TIERS = (
    Tier("off20", 2_000, {"city": 1_200, "group": 800}, threshold_fen=10_000),
    Tier("off15pc", 3_001, {"city": 1_801, "group": 1_200}, percent=15),
)
CAPS = {"off20": Cap(count=12), "off15pc": Cap(fen=9 * 3_001), "round 1": Cap(count=4)}
BUDGET_FEN = 100_000
SUB_BUCKETS = 3
PER_RESIDENT = 2
ENDS_AT = NOON + timedelta(days=30)
LAST_DAY = NOON + timedelta(days=25)
LEASE_S = 60
PEOPLE = ("alice", "carol", "erin")
STORES = ("nanjing_road", "xujiahui", "closed_shop", "rival_shop")
MERCHANTS = {store: "rival" if store == "rival_shop" else "huilian" for store in STORES}
SHUT = {"closed_shop": "store_closed", "rival_shop": "store_not_participating"}

which = st.integers(0, 99)
good_orders = st.tuples(
    which,
    st.just(True),
    st.sampled_from(STORES[:2]),
    st.sampled_from([10_000, 12_345, 20_006, 50_000]),
    st.sampled_from([True, False]),
    st.just("new"),
    st.just(0),
)
orders = st.tuples(
    which,  # which voucher
    st.sampled_from([True] * 7 + [False]),  # shown by its holder?
    st.sampled_from(STORES[:2] * 4 + STORES[2:]),
    st.sampled_from([1, 7, 9_999, 10_000, 12_345, 20_006, 50_000]),
    st.sampled_from([True, True, False]),  # captured at once?
    st.sampled_from(["new"] * 6 + ["replay", "changed", "same order"]),
    which,  # which earlier request
)


def fresh_model(policy: RefundPolicy) -> Model:
    """The city as `open_city` leaves it."""
    shares = cast.CO_FUNDED
    return Model(
        now=NOON,
        ends_at=ENDS_AT,
        appropriated={source: BUDGET_FEN * shares[source] // 100 for source in shares},
        tiers=TIERS,
        caps=dict(CAPS),
        policy=policy,
    )


def open_city(policy: RefundPolicy) -> Campaign:
    """Two sources, two tiers (one with sub-buckets), a round, three people in the circle and one
    outside; open."""
    draft = cast.spring_campaign(
        code=f"city-{policy}",
        budget_fen=BUDGET_FEN,
        funding=cast.CO_FUNDED,
        tiers={"off20": (2_000, 10_000)},
        tier_counts={"off20": 12},
        per_resident=PER_RESIDENT,
        limits=LIMITS,
        ends_at=ENDS_AT,
        validity_s=2 * 24 * 3600,
    )
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=policy.value)
    by, at = cast.mei(), NOON
    hot = draft.cells.get(tier__code="off20")
    draft_rows.change("cells", hot, bucket_count=SUB_BUCKETS, by=by, at=at)
    percent = terms.add_tier(
        campaign=draft,
        code="off15pc",
        name="八五折",
        kind=TierKind.PERCENT,
        percent_bp=1_500,
        face_fen=TIERS[1].face_fen,
        split=dict(TIERS[1].split),
        per_resident=PER_RESIDENT,
        by=by,
        at=at,
    )
    draft_rows.add("cells", campaign=draft, tier=percent, cap_fen=CAPS["off15pc"].fen, by=by, at=at)
    first = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=NOON - cast.DAY,
        closes_at=ENDS_AT,
        by=by,
        at=at,
    )
    draft_rows.add(
        "cells", campaign=draft, round=first, cap_count=CAPS["round 1"].count, by=by, at=at
    )
    for name in PEOPLE:
        cast.resident(name)
    cast.bob()
    cast.rival_shop()
    draft.refresh_from_db()
    return cast.launched(draft)


def room_in_cells(campaign: Campaign) -> dict[str, Cap]:
    """What the sub-buckets of each cell hold together, by the code of its source, tier or round."""
    cells = QuotaCell.objects.filter(campaign=campaign).annotate(
        fen=Sum("buckets__headroom_fen"), count=Sum("buckets__headroom_count")
    )
    rows = cells.values_list("source__code", "tier__code", "round__number", "fen", "count")
    return {source or tier or f"round {no}": Cap(*left) for source, tier, no, *left in rows}
