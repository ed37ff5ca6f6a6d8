"""An amendment of terms in force only widens them: no voucher in hand gets worse. Pure.

It is judged on two documents alone, the one approved and the one proposed. The options that the
declaration lets widen may grow, limits may be raised or lifted, and stores may join; everything
else must be equal. Money is changed by proposals, and tills are held back by risk rules, not here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from merchants.errors import Refusal
from vouchers.rules.campaigns.declaration import WIDENED, WIDENED_PARTS, Part
from vouchers.rules.campaigns.soundness import limits_nest
from vouchers.rules.campaigns.terms import LimitTerms
from vouchers.states import LimitKind

Document = Mapping[str, Any]
Numbered = tuple[str, str]
"""A store as documents name it: its merchant's code and its own number."""
Figures = Mapping[str, int | None]
"""Of a limit `limit_count`, `limit_fen`, or both; None does not limit."""


def amended(
    document: Document,
    *,
    widened: Mapping[str, Any],
    limits: Mapping[LimitKind, Figures],
    stores: Sequence[Numbered],
) -> dict[str, Any]:
    """The terms with other values of the campaign's options, as documents write them, other figures
    of limits, and further stores.

    The stores join at the moment of the approval, so no instant is written.
    """
    campaign = {**document["campaign"], **widened}
    joining = [
        {
            "merchant": merchant,
            "store": store,
            "category": "",
            "radius_m": None,
            "valid_from_at": None,
            "valid_until_at": None,
        }
        for merchant, store in stores
    ]
    return {
        **document,
        "campaign": campaign,
        "limits": _with_figures(document["limits"], limits),
        "stores": [*document["stores"], *joining],
    }


def _with_figures(
    rows: Sequence[Document], figures: Mapping[LimitKind, Figures]
) -> list[dict[str, Any]]:
    """A limit that there was not stands last."""
    named = {kind.name.lower(): given for kind, given in figures.items()}
    found = [{**row, **named.pop(row["kind"], {})} for row in rows]
    none: Figures = {"limit_count": None, "limit_fen": None}
    return found + [{"kind": kind, **none, **given} for kind, given in named.items()]


def joining_stores(before: Document, after: Document) -> list[Numbered]:
    """The stores that an amendment adds, in its order."""
    return [_numbered(row) for row in after["stores"][len(before["stores"]) :]]


def judge(before: Document, after: Document, *, at: datetime) -> Refusal | None:
    """None when `after` widens `before` and nothing else.

    Refuses `campaign_over`, `nothing_to_change`, `amendment_worsens` with the rule broken, and
    `terms_invalid` where a limit would be raised beyond a wider one, to no effect.
    """
    old, new = before["campaign"], after["campaign"]
    if datetime.fromisoformat(old["ends_at"]) <= at:
        return Refusal("campaign_over", "not_over_yet", {"ends_at": old["ends_at"]})
    if after == before:
        return Refusal("nothing_to_change", "another_promise")
    for name in sorted(before.keys() | after.keys()):
        if name not in {"campaign", "stores"}:
            worse = _part(name, before.get(name), after.get(name))
            if worse is not None:
                return worse
    for name in sorted(old.keys() | new.keys()):
        if name not in WIDENED and old.get(name) != new.get(name):
            return _worse("part_stays", part=name)
    for name, widening in WIDENED.items():
        if not widening.allows(old[name], new[name]):
            return _worse(widening.rule, **{name: old[name]})
    return _stores(before["stores"], after["stores"]) or _unreached(after.get("limits", ()))


def valid_until_at(
    *,
    valid_from_at: datetime,
    valid_until_at: datetime,
    validity_s: int,
    ends_at: datetime,
) -> datetime:
    """Until when issued vouchers are valid under widened terms: never earlier than before, at most
    to the campaign's end."""
    return max(valid_until_at, min(valid_from_at + timedelta(seconds=validity_s), ends_at))


def _part(
    name: str, before: Sequence[Document] | None, after: Sequence[Document] | None
) -> Refusal | None:
    """A list is as it was, or its rows are wider where the declaration lets them."""
    part = WIDENED_PARTS.get(name)
    if part is None or before is None or after is None:
        return None if before == after else _worse("part_stays", part=name)
    if len(before) != len(after):
        return _worse(f"{name}_stay")
    worse = (_row(part, old, new) for old, new in zip(before, after, strict=True))
    return next(filter(None, worse), None)


def _row(part: Part, old: Document, new: Document) -> Refusal | None:
    """The same row, in its place."""
    fixed = (old.keys() | new.keys()) - part.widened.keys()
    if any(old.get(name) != new.get(name) for name in fixed):
        return _worse(f"{part.name}_stay")
    for name, widening in part.widened.items():
        if not widening.allows(old[name], new[name]):
            return _worse(widening.rule, row=" ".join(str(old[key]) for key in part.identity))
    return None


def _unreached(limits: Sequence[Document]) -> Refusal | None:
    """A limit that could never be reached because a wider one comes first."""
    rows = (
        LimitTerms(LimitKind[row["kind"].upper()], row["limit_count"], row["limit_fen"])
        for row in limits
    )
    return next(limits_nest(rows), None)


def _stores(before: Sequence[Document], after: Sequence[Document]) -> Refusal | None:
    """The stores there were stand first, as they stood; each that joins is not among them."""
    if list(after[: len(before)]) != list(before):
        return _worse("stores_stay")
    taking_part = {_numbered(row) for row in before if row["valid_until_at"] is None}
    for row in after[len(before) :]:
        store = _numbered(row)
        if store in taking_part:
            return _worse("store_joins_once", merchant=row["merchant"], store=row["store"])
        if row["valid_from_at"] is not None or row["valid_until_at"] is not None:
            return _worse("store_joins_now", merchant=row["merchant"], store=row["store"])
        taking_part.add(store)
    return None


def _numbered(row: Document) -> Numbered:
    return row["merchant"], row["store"]


def _worse(rule: str, **facts: str | int) -> Refusal:
    return Refusal("amendment_worsens", rule, facts)
