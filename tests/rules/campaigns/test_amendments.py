"""An amendment only widens: tried on made-up terms by the hundred."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.campaigns.amendments import (
    Figures,
    amended,
    joining_stores,
    judge,
    valid_until_at,
)
from vouchers.rules.proofs.audit.acts import Terms, amendments_widen
from vouchers.states import LimitKind

NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)

instants = st.timedeltas(DAY, 270 * DAY).map(lambda since: NOON + since)
numbers = st.integers(1, 10**6)
names = st.text("abc", min_size=1, max_size=4)
figures = st.none() | numbers
APART = (LimitKind.RESIDENT_DAY, LimitKind.LINK_DAY, LimitKind.STORE_MINUTE)
"""Kinds of which none holds another."""
FEW = (LimitKind.RESIDENT_DAY, LimitKind.RESIDENT_WEEK, LimitKind.STORE_DAY)
few = st.none() | st.integers(0, 4)
"""So few kinds and figures that what is asked for often meets what there is."""


def store(number: str, valid_until_at: str | None = None) -> dict[str, Any]:
    return {
        "merchant": "huilian",
        "store": number,
        "category": "",
        "radius_m": None,
        "valid_from_at": "2026-03-31T04:00:00Z",
        "valid_until_at": valid_until_at,
    }


def limit(kind: LimitKind, count: int | None, fen: int | None) -> dict[str, Any]:
    return {"kind": kind.name.lower(), "limit_count": count, "limit_fen": fen}


def limits(
    kinds: Sequence[LimitKind], of: st.SearchStrategy[int | None] = figures
) -> st.SearchStrategy[list[dict[str, Any]]]:
    chosen = st.lists(st.sampled_from(kinds), unique=True, max_size=3)
    return chosen.flatmap(
        lambda some: st.tuples(*(st.builds(limit, st.just(kind), of, of) for kind in some))
    ).map(list)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Terms with the parts that matter here, and some that must not move."""
    return {
        "campaign": {
            "code": draw(names),
            "ends_at": draw(instants).isoformat(),
            "validity_s": draw(numbers),
            "radius_m": draw(numbers),
            "refund_policy": draw(st.sampled_from(["return", "pro_rata", "forfeit"])),
        },
        "tiers": draw(st.lists(st.fixed_dictionaries({"face_fen": numbers}), max_size=3)),
        "limits": draw(limits(APART)),
        "stores": [store(name) for name in draw(st.lists(names, unique=True, max_size=4))],
    }


def ends_at(document: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(document["campaign"]["ends_at"])


@given(documents(), st.timedeltas(timedelta(0), 900 * DAY), st.integers(0, 10**6), st.data())
def test_what_widens_is_allowed(
    before: dict[str, Any], longer: timedelta, more_s: int, data: st.DataObject
) -> None:
    known = {(row["merchant"], row["store"]) for row in before["stores"]}
    stores = st.tuples(st.sampled_from(["huilian", "rival"]), names)
    joining = data.draw(st.lists(stores.filter(lambda one: one not in known), unique=True))
    raised = {
        LimitKind[row["kind"].upper()]: {
            name: data.draw(st.none() | st.integers(row[name], 2**31 - 1))
            for name in ("limit_count", "limit_fen")
            if row[name] is not None
        }
        for row in before["limits"]
    }
    after = amended(
        before,
        widened={
            "ends_at": (ends_at(before) + longer).isoformat(),
            "validity_s": before["campaign"]["validity_s"] + more_s,
        },
        limits=raised,
        stores=joining,
    )
    refusal = judge(before, after, at=NOON)
    if after == before:
        assert refusal is not None
        assert refusal.code == "nothing_to_change"
    else:
        assert refusal is None
    assert joining_stores(before, after) == joining


@given(documents(), st.timedeltas(timedelta(microseconds=1), 200 * DAY), st.data())
def test_whatever_else_changes_is_refused(
    before: dict[str, Any], shorter: timedelta, data: st.DataObject
) -> None:
    after = deepcopy(amended(before, widened={}, limits={}, stores=[("huilian", "new")]))
    campaign = after["campaign"]
    spoil = data.draw(
        st.sampled_from(["end", "validity", "radius", "policy", "tiers", "store", "part", "key"])
    )
    match spoil:
        case "end":
            campaign["ends_at"] = (ends_at(before) - shorter).isoformat()
        case "validity":
            campaign["validity_s"] -= 1
        case "radius":
            campaign["radius_m"] -= 1
        case "policy":
            campaign["refund_policy"] = "other"
        case "tiers":
            after["tiers"].append({"face_fen": 1})
        case "store":
            after["stores"].pop(0)
            after["stores"].append(store("other", "2026-05-01T00:00:00Z"))
        case "part":
            del after["limits"]
        case "key":
            campaign["grace_s"] = 1
    refusal = judge(before, after, at=NOON)
    assert refusal is not None
    assert refusal.code == "amendment_worsens"


@pytest.mark.parametrize(
    ("joining", "rule"),
    [
        (store("old"), "store_joins_once"),
        (
            {**store("new"), "valid_from_at": None, "valid_until_at": "2026-05-01"},
            "store_joins_now",
        ),
        ({**store("new"), "valid_from_at": "2026-03-01"}, "store_joins_now"),
    ],
)
def test_a_store_joins_once_from_the_approval_to_the_end(
    joining: dict[str, Any], rule: str
) -> None:
    before = {
        "campaign": {"ends_at": "2026-05-01T00:00:00Z", "validity_s": 60},
        "stores": [store("old")],
    }
    refusal = judge(before, {**before, "stores": [*before["stores"], joining]}, at=NOON)
    assert refusal is not None
    assert refusal.rule == rule


def test_what_is_over_is_not_amended() -> None:
    before = {
        "campaign": {"ends_at": "2026-04-01T04:00:00Z", "validity_s": 60},
        "limits": [],
        "stores": [],
    }
    after = amended(before, widened={"ends_at": "2026-05-01T00:00:00Z"}, limits={}, stores=[])
    refusal = judge(before, after, at=NOON)
    assert refusal is not None
    assert refusal.code == "campaign_over"


@given(instants, st.timedeltas(DAY, 90 * DAY), numbers, instants)
def test_validity_never_becomes_shorter_nor_passes_the_new_end(
    valid_from: datetime, was: timedelta, validity_s: int, end: datetime
) -> None:
    old = valid_from + was
    new = valid_until_at(
        valid_from_at=valid_from, valid_until_at=old, validity_s=validity_s, ends_at=end
    )
    assert new >= old
    assert new == old or (
        new <= end and new == min(valid_from + timedelta(seconds=validity_s), end)
    )


def reaches(now: int | None, before: int | None) -> bool:
    """Whether a figure lets through whatever the one before did."""
    return now is None or (before is not None and now >= before)


def audited(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the auditor's own rule lets the amendment be."""
    versions = [Terms(1, 1, before, b"", None), Terms(2, 1, after, b"", 1)]
    return not list(amendments_widen(versions))


@given(
    documents(),
    limits(FEW, few),
    st.dictionaries(
        st.sampled_from(FEW),
        st.fixed_dictionaries({}, optional={"limit_count": few, "limit_fen": few}),
        max_size=2,
    ),
)
def test_no_accepted_amendment_lowers_or_adds_a_limit(
    terms: dict[str, Any], rows: list[dict[str, Any]], asked: dict[LimitKind, Figures]
) -> None:
    """Whatever is asked for; and the audit, which judges by itself, agrees."""
    before = {**terms, "limits": rows}
    after = amended(before, widened={}, limits=asked, stores=[("huilian", "new")])
    refusal = judge(before, after, at=NOON)
    is_wider = len(rows) == len(after["limits"]) and all(
        reaches(now[name], was[name])
        for was, now in zip(rows, after["limits"], strict=True)
        for name in ("limit_count", "limit_fen")
    )
    assert audited(before, after) == is_wider
    if refusal is None:
        assert is_wider
    elif is_wider:
        assert refusal.rule == "limits_nest"


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({LimitKind.RESIDENT_DAY: {"limit_count": 1}}, "limit_no_lower"),
        ({LimitKind.RESIDENT_DAY: {"limit_fen": 10**9}}, "limit_no_lower"),
        ({LimitKind.RESIDENT_DAY: {"limit_share": 1}}, "limits_stay"),
        ({LimitKind.STORE_DAY: {"limit_count": 10**6}}, "limits_stay"),
        ({LimitKind.RESIDENT_DAY: {"limit_count": 9}}, "limits_nest"),
        ({LimitKind.RESIDENT_WEEK: {"limit_count": None}}, None),
        (
            {
                LimitKind.RESIDENT_DAY: {"limit_count": 9},
                LimitKind.RESIDENT_WEEK: {"limit_count": None},
            },
            None,
        ),
    ],
    ids=[
        "lowered",
        "another figure",
        "no figure",
        "another limit",
        "beyond the week",
        "lifted",
        "raised where lifted",
    ],
)
def test_a_limit_is_raised_or_lifted_and_nothing_else(
    asked: dict[LimitKind, Figures], rule: str | None
) -> None:
    """Two a day and three a week; a day's limit beyond the week's could never be reached, which is
    no harm, and none to the audit."""
    before = {
        "campaign": {"ends_at": "2026-05-01T00:00:00Z", "validity_s": 60},
        "limits": [limit(LimitKind.RESIDENT_DAY, 2, None), limit(LimitKind.RESIDENT_WEEK, 3, None)],
        "stores": [],
    }
    after = amended(before, widened={}, limits=asked, stores=[])
    refusal = judge(before, after, at=NOON)
    assert (refusal and refusal.rule) == rule
    assert audited(before, after) == (rule in {None, "limits_nest"})


def test_limits_keep_their_places() -> None:
    rows = [limit(kind, 1, None) for kind in APART]
    before = {
        "campaign": {"ends_at": "2026-05-01T00:00:00Z", "validity_s": 60},
        "limits": rows,
        "stores": [],
    }
    after = {**before, "limits": rows[::-1]}
    refusal = judge(before, after, at=NOON)
    assert refusal is not None
    assert refusal.rule == "limits_stay"
    assert not audited(before, after)
