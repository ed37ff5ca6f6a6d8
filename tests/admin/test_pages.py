"""Every page opens with data on it, and pages that only show refuse to be written to."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext

from merchants.admin.base import ReadOnly
from tests.admin.conftest import at_work, draft_of_today, signed_in
from tests.support import cast
from tests.support.hostile import SCRIPT, shows_as_text, with_scripts
from tests.support.till import code_of
from vouchers.errors import CATALOGUE
from vouchers.http.refusal_names import REFUSALS, refusal_name
from vouchers.models import Campaign, Voucher
from vouchers.services.roles import ROLES

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
SHOWN_ONLY = [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnly)]

COUNTED = re.compile(r'SELECT COUNT\(.+? FROM "(\w+)"')
IN_MENU = {"vouchers_termsversion", "vouchers_proposal"}
"""The menu says how much waits for one's approval; neither table grows."""


@pytest.fixture(scope="module")
def standing_town(rows_of_module: None) -> Campaign:
    """The town of every page, where every name and reason ends in markup."""
    return at_work(with_scripts(draft_of_today()), mark=SCRIPT)


def page(model: type[Model], name: str, *arguments: object) -> str:
    """Address of an admin page of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_list_and_every_page_opens_and_shows_names_as_text(
    town: Campaign, root: Client, language: str
) -> None:
    root.cookies.load({"django_language": language})
    without_rows, named = [], 0
    for model in MODELS:
        with CaptureQueriesContext(connection) as captured:
            listed = root.get(page(model, "changelist"))
        assert listed.status_code == 200, model
        named += shows_as_text(listed.content, model)
        counts = [COUNTED.match(it["sql"]) for it in captured.captured_queries]
        assert {found[1] for found in counts if found} <= IN_MENU, model
        row = model._default_manager.first()
        if row is None:
            without_rows.append(model._meta.label)
            continue
        opened = root.get(page(model, "change", row.pk))
        assert opened.status_code == 200, model
        named += shows_as_text(opened.content, model)
    assert without_rows == []
    assert named > len(MODELS), "most pages name something"


@pytest.mark.parametrize(
    "name",
    [
        "campaign_changes",
        "campaign_clone",
        "campaign_forecast",
        "campaign_launch_list",
        "campaign_map",
        "campaign_money",
        "campaign_preview",
        "campaign_propose_room",
        "campaign_review",
        "case_change",
        "proposal_inbox",
        "proposal_review",
        "voucher_hotline",
    ],
)
def test_pages_of_our_own_show_names_as_text(town: Campaign, root: Client, name: str) -> None:
    model = apps.get_model("vouchers", name.partition("_")[0])
    row = model._default_manager.order_by("pk").last()
    arguments = [] if name in {"proposal_inbox", "voucher_hotline"} else [row.pk]
    answer = root.get(reverse(f"admin:vouchers_{name}", args=arguments))
    assert answer.status_code == 200
    assert shows_as_text(answer.content, name) or name == "voucher_hotline"


def test_the_live_screen_the_first_page_and_the_report_show_names_as_text(
    town: Campaign, root: Client, tmp_path: Path
) -> None:
    for address in ("/admin/", "/live/", "/live/board"):
        assert shows_as_text(root.get(address).content, address)
    file = tmp_path / "report.html"
    call_command("report", town.code, str(file), language="en")
    assert shows_as_text(file.read_bytes(), file)


def test_pages_that_only_show_refuse_to_be_written_to(town: Campaign, root: Client) -> None:
    for model in SHOWN_ONLY:
        row = model._default_manager.first()
        if row is None:
            continue
        assert root.get(page(model, "add")).status_code == 403, model
        assert root.post(page(model, "change", row.pk), {}).status_code == 403, model
        assert root.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        assert model._default_manager.filter(pk=row.pk).exists()


def test_money_is_only_shown() -> None:
    names = {model._meta.model_name for model in SHOWN_ONLY}
    assert names >= {
        "transfer",
        "cashreceipt",
        "redemption",
        "settlement",
        "voucher",
        "tranche",
        "attempt",
        "seal",
        "auditreport",
    }


def test_the_dashboard_shows_what_is_under_way(town: Campaign, root: Client) -> None:
    text = root.get(reverse("admin:index")).content.decode()
    assert escape(town.name) in text
    assert "¥5,000,000.00" not in text  # split between two sources
    assert "¥3,000,000.00" in text
    assert str(refusal_name("store_not_participating")) in text


def test_the_campaigns_page_shows_a_budget_that_adds_up(town: Campaign, root: Client) -> None:
    text = root.get(page(Campaign, "change", town.pk)).content.decode()
    assert "✓" in text
    assert "✗" not in text
    assert "hm-outstanding" in text


def test_the_audience_can_be_previewed(town: Campaign, root: Client) -> None:
    for number in range(12):
        cast.resident(f"near{number}")
    text = root.get(page(Campaign, "preview", town.pk)).content.decode()
    for shown in (
        "By ring",
        "One distribution would issue",
        "Paid by",
        "Reached by this store alone",
    ):
        assert gettext(shown) in text
    assert "hm-bar" in text


@pytest.mark.parametrize("role", ROLES)
def test_every_role_opens_the_dashboard_and_the_lists_it_may_see(town: Campaign, role: str) -> None:
    client = signed_in(cast.member(f"member-{role.replace(' ', '-')}", role))
    assert client.get(reverse("admin:index")).status_code == 200
    for model in MODELS:
        expected = 403 if model._meta.app_label == "auth" else 200
        assert client.get(page(model, "changelist")).status_code == expected, model


def test_a_user_without_a_role_sees_no_figures(town: Campaign) -> None:
    stranger = User.objects.create_user("stranger", is_staff=True)
    client = signed_in(stranger)
    assert town.name not in client.get(reverse("admin:index")).content.decode()
    assert client.get(page(Campaign, "changelist")).status_code == 403
    assert client.get(page(Campaign, "review", town.pk)).status_code == 403
    assert client.get(page(Campaign, "preview", town.pk)).status_code == 403


def test_an_auditor_sees_everything_and_changes_nothing(town: Campaign) -> None:
    client = signed_in(cast.member("audrey", "auditor"))
    for model in MODELS:
        if model._meta.app_label == "auth":
            continue
        assert client.get(page(model, "add")).status_code == 403, model
        row = model._default_manager.first()
        if row is not None:
            assert client.post(page(model, "change", row.pk), {}).status_code == 403, model


def test_a_voucher_is_found_by_its_printed_code_which_is_not_shown(
    town: Campaign, root: Client
) -> None:
    voucher = Voucher.objects.order_by("-id")[0]
    answer = root.get(page(Voucher, "changelist"), {"q": code_of(voucher)})
    assert str(voucher) in answer.content.decode()
    assert answer.context["cl"].result_count == 1


def test_every_refusal_of_a_till_has_a_name() -> None:
    of_tills = {code for code, meaning in CATALOGUE.items() if meaning.audience != "manager"}
    assert of_tills <= REFUSALS.keys()
