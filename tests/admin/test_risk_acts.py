"""Risk rules in the admin: proposed by one person, in force by another's yes, seen by all."""

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.admin.test_acts import press
from tests.admin.test_budget_acts import decide
from tests.support import cast, till
from vouchers.models import Campaign, Hold, Proposal, RiskVersion, Signal
from vouchers.queries.ledger.balances import balances
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    now = timezone.now()
    return cast.running_campaign(
        at=now, limits={}, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY
    )


def change(campaign: Campaign, parameters: str, *, version: int = 0, by: str = "ren") -> None:
    """Fill in the dialog: every redemption of a merchant beyond a figure is held."""
    press(
        signed_in({"ren": cast.ren, "mei": cast.mei, "li": cast.li}[by]()),
        "propose_risk_rule",
        campaign,
        kind="merchant_day",
        setting="live",
        verdict="hold",
        parameters=parameters,
        expected_version=version,
        why="seen last week",
        request_id=f"r-{version}-{by}-{parameters}",
    )


def test_a_rule_holds_money_and_the_risk_officer_releases_it(campaign: Campaign) -> None:
    change(campaign, "fen=0")
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
        assert "fen" in page.content.decode()
    address = reverse("admin:vouchers_hold_release", args=[hold.pk])
    client.post(address, {"_form_submitted": "on"})
    assert balances(campaign.pk)["city"][AccountKind.RISK_HELD] == 0


def test_what_is_not_named_keeps_its_usual_value(campaign: Campaign) -> None:
    change(campaign, "", by="mei")
    (rule,) = Proposal.objects.get().document["rules"]
    assert rule["parameters"] == {"fen": 1_000_000}


@pytest.mark.parametrize(
    "parameters", ["fen", "fen=-1", "fen=1; drop", "orders=1", "fen=" + "9" * 12]
)
def test_parameters_that_make_no_rule_propose_nothing(campaign: Campaign, parameters: str) -> None:
    change(campaign, parameters)
    assert not Proposal.objects.exists()


def test_a_page_that_was_overtaken_proposes_nothing(campaign: Campaign) -> None:
    change(campaign, "fen=0", version=3)
    assert not Proposal.objects.exists()


def test_an_approver_is_not_offered_it_and_cannot_do_it(campaign: Campaign) -> None:
    client = signed_in(cast.li())
    page = client.get(reverse("admin:vouchers_campaign_change", args=[campaign.pk]))
    assert "propose_risk_rule" not in page.content.decode()
    change(campaign, "fen=0", by="li")
    assert not Proposal.objects.exists()
