"""The page "History" of a row: what was changed, from what to what, when and by whom."""

import html
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from merchants.models import Credential, Store
from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.books import as_owner
from vouchers.admin.history.page import PER_PAGE, RecordedHistory
from vouchers.admin.history.words import how, who
from vouchers.models import Campaign, SetupChange
from vouchers.queries.history import MODELS
from vouchers.services.campaigns import lifecycle, stops
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit

pytestmark = pytest.mark.django_db


def address(row: Model, page: str = "history") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def history(client: Client, row: Model, query: str = "", language: str = "en") -> str:
    """The page's words, with one blank between any two."""
    answer = client.get(address(row) + query, headers={"accept-language": language})
    assert answer.status_code == 200
    shown = answer.content.decode().partition('<div class="hm-grid">')[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def save(client: Client, store: Store, **values: Any) -> None:
    """The store's page, saved."""
    sent = {
        "name": store.name,
        "brand": store.brand,
        "category": store.category,
        "district": store.district_id or "",
        "state": store.state,
        **values,
    }
    for prefix in ("locations", "terminals"):
        sent |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    answer = client.post(address(store, "change"), sent)
    assert answer.status_code == 302, answer.context["errors"]


def test_who_saved_a_page_is_named_with_the_old_and_the_new_value(town: Campaign) -> None:
    store, client = cast.nanjing_road(), signed_in(cast.member("oskar", "operator"))
    save(client, store, name="Nanjing Rd <b>", state="closed")
    change = SetupChange.objects.filter(table_name="merchants_store")[0]
    assert (change.username, change.origin) == ("oskar", "admin")
    assert change.request_id
    shown = history(client, store)
    assert f"oskar in the admin request {change.request_id[:12]}…" in shown
    assert "changed Name nanjing_road → Nanjing Rd <b> State active → closed" in shown
    assert shown.index("Nanjing Rd") < shown.index("Store location: 1 added"), "the newest first"
    zh = history(client, store, language="zh-hans")
    assert "oskar 管理后台" in zh
    assert "变更 名称 nanjing_road → Nanjing Rd <b> 状态 正常 → 已关闭" in zh


def test_parts_are_told_in_the_units_of_people(town: Campaign, root: Client) -> None:
    shown = history(root, town, f"?after={_key_behind(town, 'vouchers_ring')}")
    for words in (
        "Ring: B 3000–5000 m added 3 values Label B From 3,000 m To 5,000 m",
        "Tier: 满100减20 added",
        "Face value ¥20.00 Threshold ¥100.00",
        "Share of the face: 满500减150 · 汇联百货 added",
    ):
        assert words in shown
    first = history(root, town)
    assert "Participating store: 汇联百货 nanjing_road nanjing_road added" in first
    assert "Limit: per resident and day added" in first


def _key_behind(campaign: Campaign, table: str) -> int:
    rows = SetupChange.objects.filter(page_id=campaign.pk, table_name=table)
    return rows[0].pk + 1


def test_a_row_that_is_gone_is_called_what_it_was(town: Campaign, root: Client) -> None:
    draft = cast.spring_campaign(code="draft")
    ring = draft.rings.get(label="B")
    edit_campaign(
        campaign=draft,
        seen_edit=newest_edit(draft),
        options={},
        parts={"rings": [RowEdit(ring.pk, None)]},
        by=cast.mei(),
        at=cast.NOON,
    )
    shown = history(root, draft)
    assert "Ring: B deleted 3 values Label B From 3,000 m To 5,000 m" in shown
    assert "Ring: B added" in shown


def test_acts_with_their_reasons_stand_below(town: Campaign, root: Client) -> None:
    lifecycle.pause(campaign=town, why="a leak", by=cast.mei(), at=cast.NOON)
    shown = history(root, town)
    assert "State running → paused" in shown
    assert "2026-04-01 12:00 mei Now paused: a leak" in shown.partition("Acts and remarks")[2]


def test_secrets_and_what_a_list_is_for(town: Campaign, root: Client) -> None:
    shown = history(root, Credential.objects.get())
    assert "Key hash •••" in shown
    assert "Merchants it acts for: 汇联百货 added" in shown


@pytest.mark.django_db(databases=["owner"])
def test_the_databases_owner_is_named_as_such() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO merchants_district (adcode, name) VALUES (310999, '新区')")
        change = SetupChange.objects.using("owner").latest("id")
    with translation.override("en"):
        assert who(change) == "the database owner"
        assert how(change) == f"database role {change.database_role}"


def test_pages_follow_each_other_by_key_without_a_count(root: Client) -> None:
    store = cast.nanjing_road()
    for number in range(PER_PAGE + 3):
        Store.objects.filter(pk=store.pk).update(name=f"name {number}")
    with CaptureQueriesContext(connection) as captured:
        first = history(root, store)
    of_history = [it["sql"] for it in captured.captured_queries if "setupchange" in it["sql"]]
    assert len(of_history) == 1
    assert "COUNT(" not in of_history[0]
    assert "OFFSET" not in of_history[0]
    assert f"→ name {PER_PAGE + 2}" in first
    last = SetupChange.objects.filter(page_id=store.pk, page_table="merchants_store")[PER_PAGE - 1]
    assert f"?after={last.pk}" in root.get(address(store)).content.decode()
    second = history(root, store, f"?after={last.pk}")
    assert f"→ name {PER_PAGE + 2}" not in second
    assert "Store: 汇联百货 nanjing_road" in second
    assert "added" in second
    for odd in ("?after=x", "?after=" + "9" * 40, "?after="):
        assert f"→ name {PER_PAGE + 2}" in history(root, store, odd)


def test_a_district_sees_the_changes_that_lie_there(town: Campaign) -> None:
    xuhui = cast.district(310104, "徐汇区")
    Store.objects.filter(external_id="xujiahui").update(district=xuhui, street=None)
    nei = User.objects.create_user("nei", is_staff=True)
    client = signed_in(cast.grant(nei, "auditor", where=xuhui))
    shown = history(client, town)
    assert "Participating store: 汇联百货 xujiahui" in shown
    assert "nanjing_road" not in shown
    assert "Limit: per resident and day added" in shown
    assert client.get(address(cast.nanjing_road())).status_code == 404
    listed = client.get(reverse("admin:vouchers_setupchange_changelist"))
    assert list(listed.context["cl"].result_list) == []


def test_what_stops_a_store_is_in_its_history(town: Campaign, root: Client) -> None:
    stops.suspend(
        row=cast.nanjing_road(),
        why="odd orders",
        by=cast.ren(),
        at=cast.NOON,
        until_at=cast.NOON + cast.DAY,
    )
    shown = history(root, cast.nanjing_road())
    assert "State active → suspended" in shown
    assert "Suspended until – → 2026-04-02 12:00" in shown
    assert "Now suspended until 2026-04-02 12:00: odd orders" in shown


def test_the_list_of_all_changes_finds_those_of_a_person(town: Campaign, root: Client) -> None:
    operator = cast.member("oskar", "operator")
    save(signed_in(operator), cast.nanjing_road(), name="Renamed")
    found = root.get(reverse("admin:vouchers_setupchange_changelist"), {"q": "oskar"})
    assert [change.username for change in found.context["cl"].result_list] == ["oskar"]
    (change,) = found.context["cl"].result_list
    page = root.get(address(change, "change")).content.decode()
    assert "Renamed" in page
    assert f"门店 {cast.nanjing_road().pk} 变更" in page


def test_the_list_of_all_changes_names_rows_and_reads_the_names_once(
    town: Campaign, root: Client
) -> None:
    listed = reverse("admin:vouchers_setupchange_changelist")
    cast.xujiahui()
    with CaptureQueriesContext(connection) as captured:
        page = root.get(listed, headers={"accept-language": "zh-hans"}).content.decode()
    of_stores = [it for it in captured.captured_queries if 'FROM "merchants_store"' in it["sql"]]
    assert len(of_stores) == 1
    assert "参与门店: 汇联百货 nanjing_road nanjing_road" in page


def test_no_page_of_a_recorded_row_is_without_it() -> None:
    for model, page in admin.site._registry.items():
        assert isinstance(page, RecordedHistory) == (model in MODELS.values()), model
