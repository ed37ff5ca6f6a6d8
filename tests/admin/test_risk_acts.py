"""Risk rules in the admin: proposed by one person, in force by another's yes, seen by all."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast, till
from tests.support.admin_pages import decide
from tests.support.risk import rule, with_rules
from vouchers.models import Campaign, Hold, Proposal, RiskVersion, Signal
from vouchers.queries.ledger.balances import balances
from vouchers.states import AccountKind, RiskKind

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """A running campaign without rules."""
    now = timezone.now()
    return cast.running_campaign(
        at=now, limits={}, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY
    )


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def change(
    campaign: Campaign,
    kind: str = "merchant_day",
    *,
    version: int = 0,
    by: str = "ren",
    **figures: object,
) -> Any:
    """Send the form of a kind of rule, which is to be in force and to hold; in yuan, ten thousand
    of a merchant in a day still pass."""
    people = {"ren": cast.ren, "mei": cast.mei, "li": cast.li}
    page = reverse("admin:vouchers_campaign_propose_risk_rule", args=[campaign.pk])
    typed = figures or {"fen": "10,000.00"}
    client = signed_in(people[by]())
    client.cookies.load({"django_language": "en"})
    return client.post(
        f"{page}?kind={kind}",
        {
            "_form_submitted": "on",
            "setting": "live",
            "verdict": "hold",
            "expected_version": version,
            "why": "seen last week",
            "request_id": f"r-{version}-{by}-{typed}",
            **typed,
        },
    )


def test_a_rule_holds_money_and_the_risk_officer_releases_it(campaign: Campaign) -> None:
    change(campaign, fen="0")
    decide(signed_in(cast.li()), Proposal.objects.get(), "approve")
    (voucher,) = till.issue_vouchers(campaign, [cast.alice()], at=timezone.now())
    request = till.order(voucher, cast.nanjing_road(), cast.alice(), at=timezone.now())
    assert till.answer_to(request)[0] == 201
    hold = Hold.objects.get()
    assert balances(campaign.pk)["city"][AccountKind.RISK_HELD] == 2_000
    client = signed_in(cast.ren())
    for name, row in (
        ("signal", Signal.objects.latest("id")),
        ("riskversion", RiskVersion.objects.get()),
    ):
        page = client.get(reverse(f"admin:vouchers_{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert "¥0.00" in page.content.decode()
    address = reverse("admin:vouchers_hold_release", args=[hold.pk])
    client.post(address, {"_form_submitted": "on"})
    assert balances(campaign.pk)["city"][AccountKind.RISK_HELD] == 0


def test_a_manager_types_yuan_and_every_reader_sees_the_sentence(campaign: Campaign) -> None:
    review = change(campaign, by="mei").url
    (proposed,) = Proposal.objects.get().document["rules"]
    assert proposed["parameters"] == {"fen": 1_000_000}
    sentence = "More than ¥10,000.00 of subsidy a day at one merchant"
    client = signed_in(cast.li())
    client.cookies.load({"django_language": "en"})
    assert sentence in client.get(review).content.decode()
    decide(client, Proposal.objects.get(), "approve")
    for page in (
        reverse("admin:vouchers_riskversion_changelist"),
        reverse("admin:vouchers_case_rules"),
    ):
        assert sentence in client.get(page).content.decode(), page


@pytest.mark.parametrize(
    ("kind", "figures", "text"),
    [
        ("merchant_day", {"fen": "-1"}, "It has to be from ¥0.00 to ¥100,000,000.00."),
        ("merchant_day", {"fen": "9" * 12}, "It has to be from ¥0.00 to ¥100,000,000.00."),
        ("merchant_day", {"fen": "fen=1; drop"}, "Enter a number."),
        ("merchant_day", {"orders": "1"}, "This field is required."),
        ("terminal_minute", {"orders": "0"}, "It has to be from 1 order to 10,000 orders."),
        ("terminal_minute", {"orders": "1.5"}, "Enter a whole number."),
        ("night_hours", {"from_hour": "22", "to_hour": "24"}, "from 00:00 to 23:00."),
        ("night_hours", {"from_hour": "22", "to_hour": "22"}, "The night would have no hour"),
    ],
)
def test_figures_that_make_no_rule_are_refused_at_their_field(
    campaign: Campaign, kind: str, figures: dict[str, Any], text: str
) -> None:
    answer = change(campaign, kind, **figures)
    assert answer.status_code == 200
    (errors,) = answer.context["form"].errors.values()
    assert text in str(errors)
    assert answer.context["form"].errors.keys() <= {"fen", "orders", "to_hour"}
    assert not Proposal.objects.exists()


def test_the_review_says_what_a_rule_was_before(campaign: Campaign) -> None:
    now = timezone.now()
    slow = rule(RiskKind.TERMINAL_MINUTE, orders=7)
    with_rules(campaign, slow, rule(RiskKind.MERCHANT_DAY, fen=5_000), at=now)
    review = change(campaign, version=2).url
    client = signed_in(cast.li())
    client.cookies.load({"django_language": "en"})
    kept, changed = client.get(review).context["lines"]
    assert kept == ("as before", "More than 7 orders a minute at one till · in force: refuse")
    assert changed[0] == "version 3"
    assert changed[1] == (
        "More than ¥50.00 of subsidy a day at one merchant · in force: refuse"
        " → More than ¥10,000.00 of subsidy a day at one merchant"
        " · in force: pay, hold the merchant's money"
    )


def test_without_a_kind_all_are_offered_as_they_stand(campaign: Campaign) -> None:
    with_rules(campaign, rule(RiskKind.TERMINAL_MINUTE, orders=7), at=timezone.now())
    page = reverse("admin:vouchers_campaign_propose_risk_rule", args=[campaign.pk])
    client = signed_in(cast.ren())
    client.cookies.load({"django_language": "en"})
    for address in (page, f"{page}?kind=unheard_of"):
        shown = client.get(address).content.decode()
        assert "More than 7 orders a minute at one till · in force: refuse" in shown
        assert "off; usual: At night, from 23:00 to 06:00" in shown
        assert all(f"?kind={kind}" in shown for kind in RiskKind)


def test_the_form_begins_with_the_rule_in_force_and_an_address_may_change_its_figures(
    campaign: Campaign,
) -> None:
    with_rules(campaign, rule(RiskKind.FEW_PEOPLE, orders=40, people=2), at=timezone.now())
    page = reverse("admin:vouchers_campaign_propose_risk_rule", args=[campaign.pk])
    client = signed_in(cast.ren())
    for query, begins in (
        ("", {"orders": 40, "people": 2, "verdict": "refuse", "setting": "live"}),
        ("&people=5&verdict=pay", {"orders": 40, "people": 5, "verdict": "pay"}),
        ("&people=٣&orders=1e9&setting=off", {"orders": 40, "people": 2, "setting": "live"}),
    ):
        form = client.get(f"{page}?kind=few_people{query}").context["form"]
        assert {name: form[name].value() for name in begins} == begins


def test_a_page_that_was_overtaken_proposes_nothing(campaign: Campaign) -> None:
    change(campaign, version=3)
    assert not Proposal.objects.exists()


def test_an_approver_is_not_offered_it_and_cannot_do_it(campaign: Campaign) -> None:
    client = signed_in(cast.li())
    page = client.get(reverse("admin:vouchers_campaign_change", args=[campaign.pk]))
    assert "propose_risk_rule" not in page.content.decode()
    assert change(campaign, by="li").status_code == 403
    assert not Proposal.objects.exists()
