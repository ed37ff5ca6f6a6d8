"""What a role for the whole city lets do, at every address of the admin: what is named here and
nothing else. A permission that a role is given by mistake opens an act that is not named."""

import pytest

from tests.admin.test_every_address import ACTS, LOOKS
from tests.support import cast
from tests.support.addresses import Address, shows, takes_a_form
from tests.support.doors import Doors
from vouchers.services.roles import ROLES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closed_doors_are_not_logged")]

READ = ("_changelist", "_history")
CITY_LOOKS = LOOKS | {
    "vouchers_campaign_forecast",
    "vouchers_campaign_money",
    "vouchers_campaign_money_packs",
    "vouchers_campaign_preview",
    "vouchers_campaign_reach",
    "vouchers_campaign_review",
    "vouchers_case_rules",
    "vouchers_proposal_review",
    "vouchers_voucher_hotline",
}
"""Pages that every role may open, and ask for what they show. Who may decide on those of a review
is asked by the service, and tried by its tests."""
CAMPAIGN_ACTS = {
    f"vouchers_campaign_{act}"
    for act in (
        "add",
        "add_stores",
        "add_tier",
        "add_weekly_rounds",
        "amend",
        "appropriate",
        "change",
        "clone",
        "close",
        "collect",
        "delete",
        "end",
        "launch",
        "move_clock",
        "pause",
        "presets",
        "propose_appropriation",
        "propose_repayment",
        "propose_risk_rule",
        "propose_room",
        "receive_cash",
        "reopen",
        "request_run",
        "resume",
        "set_up",
        "settle",
        "submit",
    )
}
RUN_ACTS = {f"vouchers_run_{act}" for act in ("cancel", "pause", "resume")}
STOPPED_KEYS = {f"merchants_credential_{act}" for act in ("lift", "suspend")}
CITY_ACTS: dict[str, set[str]] = {
    "manager": CAMPAIGN_ACTS
    | RUN_ACTS
    | STOPPED_KEYS
    | {f"vouchers_tier_{act}" for act in ("add", "change", "delete")}
    | {"vouchers_backtest_ask"},
    "approver": {"vouchers_proposal_inbox"},
    "auditor": set(),
    "operator": RUN_ACTS
    | STOPPED_KEYS
    | {
        "merchants_credential_change",
        "merchants_credential_issue",
        "merchants_credential_rotate",
        "merchants_district_add",
        "merchants_merchant_add",
        "merchants_store_add",
        "vouchers_campaign_request_run",
        "vouchers_outbox_send_again",
        "vouchers_webhookendpoint_add_one",
        "vouchers_webhookendpoint_change_it",
        "vouchers_webhookendpoint_replay_range",
        "vouchers_webhookendpoint_rotate",
        "vouchers_webhookendpoint_show_secret",
    },
    "risk officer": STOPPED_KEYS
    | {
        "vouchers_backtest_ask",
        "vouchers_campaign_pause",
        "vouchers_campaign_propose_risk_rule",
        "vouchers_case_change",
        "vouchers_wrongcodes_counted",
    },
}
"""What only the whole city's roles may do; what a district's may too is in `ACTS`."""


@pytest.mark.parametrize("role", ROLES)
def test_a_role_for_the_city_does_what_is_named_and_nothing_else(
    addresses: list[Address], role: str
) -> None:
    doors = Doors(cast.member("cheng", role))
    found = {
        address.name
        for address in addresses
        if address.model is not None and not address.name.endswith(READ)
        if address.name not in CITY_LOOKS and takes_a_form(doors, address)
    }
    assert found == ACTS[role] | CITY_ACTS[role]


def test_what_every_role_may_look_at_is_what_the_auditor_may(addresses: list[Address]) -> None:
    doors = Doors(cast.member("shen", "auditor"))
    looks = {it.name for it in addresses if it.name in CITY_LOOKS and shows(doors, it)}
    assert looks == CITY_LOOKS
