"""A campaign that every risk rule watches, and that asks for presence: what an audit recounts."""

from datetime import timedelta

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.presenting import identified, paper_of, presented
from tests.support.risk import QUIET, rule, with_rules
from tests.support.till import (
    decoded,
    issue_vouchers,
    merchant_of,
    order,
    redeem,
    refunded,
    till_of,
    voided,
)
from vouchers.models import Campaign, Redemption
from vouchers.services import residents
from vouchers.states import RiskKind, RiskSetting

HOUR = timedelta(hours=1)


def watched_campaign() -> Campaign:
    """Used by three people through two devices and three tills: by codes shown once, by a proxy, on
    paper; one authorised, one voided, one refunded."""
    draft = cast.spring_campaign(
        code="watched-2026", funding={"treasury": 75, "bank": 25}, presence_required=True
    )
    rules = [rule(kind, setting=RiskSetting.SHADOW, figures=QUIET[kind]) for kind in RiskKind]
    campaign = cast.launched(with_rules(draft, *rules, at=NOON - 20 * DAY))
    holder, friend = identified(cast.resident("watched")), cast.resident("friend")
    proxy = cast.resident("proxy")
    residents.declare_proxy(holder=holder, proxy=proxy, relation="niece", at=NOON)
    here, there, at = cast.nanjing_road(), cast.xujiahui(), NOON + HOUR
    first, second, third, fourth, fifth = issue_vouchers(
        campaign, [holder, holder, holder, friend, friend]
    )
    paper = paper_of(third, holder, at=at)
    for store, code, fields in (
        (here, presented(first, holder, at=at), {"device": "d-1"}),
        (here, presented(second, proxy, at=at), {"device": "d-2"}),
        (there, paper, {"id_digits": "002X", "order_kind": "delivered"}),
        (here, presented(fourth, friend, at=at), {"device": "D-1"}),
        (
            there,
            presented(fifth, friend, at=at),
            {"caller": merchant_of(there), "terminal": "N9", "capture": False},
        ),
    ):
        asked = order(code, store, None, at=at, **fields)
        status, body = decoded(redeem(requests=[asked])[0])
        assert status == 201, body
    made = {row.voucher_id: row for row in Redemption.objects.filter(campaign=campaign)}
    later = at + HOUR / 2
    assert voided(made[first.pk], caller=till_of(here), at=later).status == 200
    assert refunded(made[fourth.pk], caller=till_of(here), at=later).status < 300
    return campaign
