"""The small city that the machine lives in, and what its tills may send."""

from django.db.models import Sum
from hypothesis import strategies as st

from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.reference_model import LIMITS, Cap, Model, Round, Tier
from vouchers.models import Campaign, QuotaCell
from vouchers.services.campaigns import terms
from vouchers.states import RefundPolicy, RoundWay, TierKind

TIERS = (
    Tier("off20", 2_000, {"city": 1_200, "group": 800}, threshold_fen=10_000),
    Tier("off15pc", 3_001, {"city": 1_801, "group": 1_200}, percent=15),
)
CAPS = {
    "off20": Cap(count=12),
    "off15pc": Cap(fen=9 * 3_001),
    "round 1": Cap(count=4),
    "round 2": Cap(count=3),
    "round 3": Cap(count=2),
}
CLAIMED = (
    Round("round 2", NOON, NOON + DAY),
    Round("round 3", NOON + 2 * DAY, NOON + 9 * DAY, on_spot=True),
)
BUDGET_FEN = 100_000
SUB_BUCKETS = 3
PER_RESIDENT = 2
ENDS_AT = NOON + 30 * DAY
LAST_DAY = NOON + 25 * DAY
LEASE_S = 60
PEOPLE = ("alice", "carol", "erin")
STORES = ("nanjing_road", "xujiahui", "closed_shop", "rival_shop")
MERCHANTS = {store: "rival" if store == "rival_shop" else "huilian" for store in STORES}
SHUT = {"closed_shop": "store_closed", "rival_shop": "store_not_participating"}

SHOWN_IN_PERSON = {RefundPolicy.PRO_RATA}
"""Of the campaigns those in which the printed code alone is not enough."""

which = st.integers(0, 99)
good_orders = st.tuples(
    which,
    st.just(True),
    st.sampled_from(STORES[:2]),
    st.sampled_from([10_000, 12_345, 20_006, 50_000]),
    st.sampled_from([True, False]),
    st.just("new"),
    st.just(0),
    st.just("as asked"),
)
orders = st.tuples(
    which,  # which voucher
    st.sampled_from([True] * 7 + [False]),  # shown by its holder?
    st.sampled_from(STORES[:2] * 4 + STORES[2:]),
    st.sampled_from([1, 7, 9_999, 10_000, 12_345, 20_006, 50_000]),
    st.sampled_from([True, True, False]),  # captured at once?
    st.sampled_from(["new"] * 6 + ["replay", "changed", "same order"]),
    which,  # which earlier request
    st.sampled_from(["as asked"] * 4 + ["printed", "presented"]),
)
shows = st.tuples(
    which,  # which code; low numbers are the latest
    st.sampled_from(["nobody", "nobody", "its holder", "another"]),  # whom the till names
    st.sampled_from(STORES[:2] * 3 + STORES[2:]),
    st.sampled_from([9_999, 12_345, 20_006, 20_006, 50_000]),
    st.sampled_from([True, True, False]),  # captured at once?
)
good_claims = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(TIERS),
    st.just("near"),
    st.just("new"),
    st.just(0),
)
claims = st.tuples(
    st.sampled_from([*PEOPLE * 2, "bob", "nobody"]),
    st.sampled_from(TIERS),
    st.sampled_from(["near", "near", "far", ""]),  # what position is sent
    st.sampled_from(["new"] * 5 + ["again", "changed"]),
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
        merchants=MERCHANTS,
        rounds=CLAIMED,
        policy=policy,
        asks_for_presence=policy in SHOWN_IN_PERSON,
    )


def open_city(policy: RefundPolicy) -> Campaign:
    """Two sources, two tiers (one with sub-buckets), a round of runs and two that are claimed,
    three people in the circle and one outside; open."""
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
        presence_required=policy in SHOWN_IN_PERSON,
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
    _add_round(draft, Round("round 1", NOON - DAY, NOON), RoundWay.RUN)
    for claimed in CLAIMED:
        _add_round(draft, claimed, RoundWay.CLAIM_ON_SPOT if claimed.on_spot else RoundWay.CLAIM)
    for name in PEOPLE:
        cast.resident(name)
    cast.bob()
    cast.rival_shop()
    draft.refresh_from_db()
    return cast.launched(draft)


def _add_round(draft: Campaign, added: Round, way: RoundWay) -> None:
    by, at = cast.mei(), NOON
    row = draft_rows.add(
        "rounds",
        campaign=draft,
        number=int(added.code.removeprefix("round ")),
        opens_at=added.opens_at,
        closes_at=added.closes_at,
        way=way.value,
        by=by,
        at=at,
    )
    cap_count = CAPS[added.code].count
    draft_rows.add("cells", campaign=draft, round=row, cap_count=cap_count, by=by, at=at)


def room_in_cells(campaign: Campaign) -> dict[str, Cap]:
    """What the sub-buckets of each cell hold together, by the code of its source, tier or round."""
    cells = QuotaCell.objects.filter(campaign=campaign).annotate(
        fen=Sum("buckets__headroom_fen"), count=Sum("buckets__headroom_count")
    )
    rows = cells.values_list("source__code", "tier__code", "round__number", "fen", "count")
    return {source or tier or f"round {no}": Cap(*left) for source, tier, no, *left in rows}
