"""Lists of tables that grow: by key, without a count; found by whole numbers that have an index."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from merchants.admin.lists import KeysetChangeList, KeysetLists
from tests.support import cast
from tests.support.presenting import paper_of, presented
from tests.support.till import code_of
from vouchers.admin.filters import IndexedFilter
from vouchers.admin.searches import ExactSearch
from vouchers.models import (
    Attempt,
    AuditReport,
    Campaign,
    Exclusion,
    Hold,
    Link,
    Outbox,
    Paper,
    Presentation,
    Proxy,
    Redemption,
    Refund,
    Resident,
    Settlement,
    Signal,
    Transfer,
    Voucher,
)

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
GROWING: list[type[Model]] = [
    Attempt,
    Exclusion,
    Link,
    Outbox,
    Paper,
    Presentation,
    Redemption,
    Refund,
    Resident,
    Settlement,
    Signal,
    Transfer,
    Voucher,
]
"""Tables that grow with residents and redemptions; the others with what people of the bureau do."""
PAGE_SIZE = 50


def listed(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(model: type[Model], **parameters: Any) -> tuple[KeysetChangeList, list[str]]:
    """A page's rows as the list's template gets them, and the statements they took."""
    request = RequestFactory().get(listed(model), parameters)
    request.user = User(username="root", is_active=True, is_staff=True, is_superuser=True)
    with CaptureQueriesContext(connection) as captured:
        changelist = admin.site._registry[model].get_changelist_instance(request)
    assert isinstance(changelist, KeysetChangeList), model
    return changelist, [query["sql"] for query in captured.captured_queries]


def filtered(model: type[Model]) -> Iterator[dict[str, Any]]:
    """The parameters of every choice of every filter of a list."""
    changelist, _statements = page_of(model)
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            if choice["query_string"] != "?":
                yield dict(re.findall(r"(\w+)=([^&]*)", choice["query_string"]))


@pytest.fixture
def reports(db: None) -> list[AuditReport]:
    """A page of reports, a second one, and one report more."""
    now = timezone.now()
    return AuditReport.objects.bulk_create(
        AuditReport(started_at=now, took_s=0.1, is_proven=True, report={"at": number})
        for number in range(2 * PAGE_SIZE + 1)
    )


def counts(statements: list[str]) -> list[str]:
    """Those that count rows, or skip some."""
    return [it for it in statements if it.startswith("SELECT COUNT(") or " OFFSET " in it]


def test_no_list_counts_or_skips_rows(town: Campaign) -> None:
    """Whatever its address says; `test_pages` looks at the pages that are drawn of them."""
    everything = {"after": 10**12, "q": "12", "p": 3, "all": "", "o": "1", "_facets": "True"}
    for model in MODELS:
        for given in [everything, *filtered(model)]:
            _page, statements = page_of(model, **given)
            assert counts(statements) == [], (model, given)


def test_no_list_asks_anything_row_by_row(town: Campaign, root: Client) -> None:
    for model in MODELS:
        with CaptureQueriesContext(connection) as captured:
            root.get(listed(model))
        asked = Counter(VALUES.sub("?", query["sql"]) for query in captured.captured_queries)
        again = {statement: times for statement, times in asked.items() if times > 1}
        assert again == {}, model


VALUES = re.compile(r"'[^']*'|\b\d+\b")
"""What differs between two statements of the same text."""


def test_every_page_is_a_list_by_key() -> None:
    for model, page in admin.site._registry.items():
        assert isinstance(page, KeysetLists), model
        assert page.date_hierarchy is None, model
        assert page.actions is None, model


SORTS = re.compile(r"Sort  \(")


@contextmanager
def planner_without(*ways: str) -> Iterator[None]:
    """These ways are PostgreSQL's last resorts, small as all tables are here."""
    with connection.cursor() as cursor:
        for way in ways:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        yield
        for way in ways:
            cursor.execute(f"SET LOCAL enable_{way} = on")


@pytest.mark.parametrize("model", GROWING)
def test_a_page_is_read_by_the_keys_index(town: Campaign, model: Any) -> None:
    for given in [{}, {"after": 10**12}]:
        # What is shown beside the rows is joined by its keys.
        rows = page_of(model, **given)[0].queryset.select_related(None)
        with planner_without("seqscan", "sort", "bitmapscan"):
            plan = rows[: PAGE_SIZE + 1].explain()
        assert not SORTS.search(plan), plan
        assert f"Seq Scan on {model._meta.db_table}" not in plan, plan


def test_every_filter_of_a_growing_table_has_an_index_that_goes_on_by_key() -> None:
    """Without the key in the index a rare value reads the table back to its oldest row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, indexname, indexdef FROM pg_indexes")
        indexes = cursor.fetchall()
    for model in GROWING:
        for one in admin.site._registry[model].list_filter:
            own = {index for table, index, _ in indexes if table == model._meta.db_table}
            if isinstance(one, type) and issubclass(one, IndexedFilter):
                assert set(one.indexes) <= own, one
                continue
            field: Any = model._meta.get_field(str(one) if isinstance(one, str) else one[0])  # type: ignore[index,arg-type]
            wanted = f"ON public.{model._meta.db_table} USING btree ({field.column}, id DESC)"
            assert any(wanted in definition for _, _, definition in indexes), one


def read_whole(model: type[Model], term: str) -> set[str]:
    """The growing tables of which a search needs every row: a bitmap has to have a condition, while
    the key's index could be gone through from end to end."""
    page, statements = page_of(model, q=term)
    # What is shown beside the rows is joined by its keys: of the page, its rows alone.
    looked_up = [statement for statement in statements if " LIMIT 51" not in statement]
    with planner_without("seqscan", "indexscan", "indexonlyscan"), connection.cursor() as cursor:
        plans = [page.queryset.select_related(None)[: PAGE_SIZE + 1].explain()]
        for statement in looked_up:
            cursor.execute("EXPLAIN " + statement)
            plans += [line for (line,) in cursor.fetchall()]
    growing = tuple(each._meta.db_table for each in GROWING)
    found = re.findall(r"Seq Scan on (\w+)", "\n".join(plans))
    return {table for table in found if table.startswith(growing)}


def test_every_search_of_a_growing_table_has_an_index(town: Campaign) -> None:
    voucher = Voucher.objects.order_by("-id")[0]
    redemption = Redemption.objects.order_by("-id")[0]
    day = f"{redemption.store.external_id} {redemption.business_day}"
    numbers = [
        redemption.pk,
        10**20,
        "99999999999999-1",
        redemption.order_no,
        day,
        "2026-11-28",
        "F-1",
        "alice",
        "huilian",
    ]
    for model in GROWING:
        assert isinstance(admin.site._registry[model], ExactSearch), model
        for term in [code_of(voucher), str(voucher), *numbers]:
            assert read_whole(model, str(term)) == set(), (model, term)


def found(model: type[Model], term: Any) -> set[int]:
    return {row.pk for row in page_of(model, q=str(term))[0].result_list}


def test_redemptions_are_found_by_what_is_on_a_receipt(town: Campaign) -> None:
    first, second = Redemption.objects.order_by("redeemed_at", "id")
    assert found(Redemption, first.pk) == {first.pk}
    assert found(Redemption, f" {first.order_no.lower()} ") == {first.pk}
    assert found(Redemption, Voucher(pk=second.voucher_id)) == {second.pk}
    day = f"{first.store.external_id} {first.business_day}"
    assert found(Redemption, day) == {first.pk, second.pk}
    for nothing in (f"{first.store.external_id} 1999-01-01", "O-none", "9" * 30, "9" * 5_000):
        assert found(Redemption, nothing) == set(), nothing


def test_a_part_of_a_number_finds_nothing(town: Campaign, root: Client) -> None:
    assert found(Resident, "alice") == {Resident.objects.get(external_id="alice").pk}
    for part in ("alic", "lice", "ALICE", "a%", ""):
        assert found(Resident, part or "_") == set()


def test_rows_about_a_resident_are_found_by_the_residents_number(
    town: Campaign, root: Client
) -> None:
    alice = Resident.objects.get(external_id="alice")
    held = set(Voucher.objects.filter(resident=alice).values_list("pk", flat=True))
    assert found(Voucher, "alice") == held
    assert found(Link, "alice") == {alice.links.get().pk}
    assert found(Proxy, "alice") == found(Proxy, "bob") != set()
    assert found(Proxy, "dan") == set()
    assert found(Exclusion, "dan") == {Exclusion.objects.get().pk}


def test_papers_and_codes_shown_are_found_by_what_is_typed_off_them(
    town: Campaign, root: Client
) -> None:
    voucher, bob = Voucher.objects.order_by("-id")[0], Resident.objects.get(external_id="bob")
    now = timezone.now()
    code = presented(voucher, bob, at=now)
    assert found(Presentation, code) == {Presentation.objects.latest("id").pk}
    paper = paper_of(voucher, bob, at=now)
    assert found(Paper, paper) == {Paper.objects.latest("id").pk}
    assert found(Paper, code) == found(Presentation, paper) == set()


def test_money_that_came_back_is_found_by_its_numbers(town: Campaign, root: Client) -> None:
    refund = Refund.objects.get()
    assert found(Refund, refund.refund_no.lower()) == {refund.pk}
    assert found(Refund, refund.redemption_id) == {refund.pk}
    settled = {settlement.pk for settlement in Settlement.objects.all()}
    assert found(Settlement, timezone.localdate()) == settled
    assert found(Settlement, cast.huilian().code) == settled
    hold = Hold.objects.get()
    assert found(Hold, hold.redemption_id) == {hold.pk}


def of_address(query: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=([^&]*)", query))


def test_pages_go_on_where_the_last_one_ended(reports: list[AuditReport]) -> None:
    keys = [report.pk for report in reports][::-1]
    seen: list[int] = []
    given: dict[str, str] | None = {"is_proven__exact": "1"}
    while given:
        page, _statements = page_of(AuditReport, **given)
        seen += [row.pk for row in page.result_list]
        assert of_address(page.first_query) == {"is_proven__exact": "1"}
        given = of_address(page.next_query) if page.next_after else None
    assert seen[: len(keys)] == keys


def test_rows_that_are_added_meanwhile_shift_no_page(reports: list[AuditReport]) -> None:
    first, _statements = page_of(AuditReport)
    AuditReport.objects.create(started_at=timezone.now(), took_s=0.1, is_proven=False, report={})
    second, _statements = page_of(AuditReport, **of_address(first.next_query))
    assert second.result_list[0].pk == first.result_list[-1].pk - 1


@pytest.mark.parametrize("wrong", ["abc", "1e3", "'", "--"])
def test_a_place_that_does_not_exist_is_the_first_page_in_clear_words(
    reports: list[AuditReport], root: Client, wrong: str
) -> None:
    root.cookies.load({"django_language": "en"})
    answer = root.get(listed(AuditReport), {"after": wrong})
    assert answer.context["cl"].result_list[0].pk == reports[-1].pk
    assert "There is no such page; this is the first." in answer.content.decode()


@pytest.mark.parametrize("far", ["-1", "0", "9" * 40])
def test_a_place_beyond_the_table_is_a_page_of_its_own(
    reports: list[AuditReport], root: Client, far: str
) -> None:
    assert root.get(listed(AuditReport), {"after": far}).status_code == 200


@pytest.mark.parametrize(
    "lookup", ["order_no__icontains", "state__exact", "resident__external_id", "split__regex"]
)
def test_an_address_asks_no_more_than_the_lists_filters(
    town: Campaign, root: Client, lookup: str
) -> None:
    assert root.get(listed(Redemption), {lookup: "1"}).status_code == 400


def test_a_field_that_completes_reads_one_page_and_counts_nothing(
    town: Campaign, root: Client
) -> None:
    named = {"app_label": "vouchers", "model_name": "campaignstore", "field_name": "store"}
    for page in ("1", "7", "last"):
        given = {**named, "term": "", "page": page}
        with CaptureQueriesContext(connection) as captured:
            answer = root.get(reverse("admin:autocomplete"), given).json()
        assert answer["pagination"] == {"more": False}
        assert answer["results"]
        assert counts([query["sql"] for query in captured.captured_queries]) == []


@pytest.mark.parametrize("model", [Transfer, Attempt])
def test_a_row_more_asks_no_statement_more(
    town: Campaign, root: Client, model: type[Model]
) -> None:
    newest = Attempt.objects.order_by("-id")[0]
    for _ in range(3):
        newest.pk += 1
        newest.save(force_insert=True)
    with CaptureQueriesContext(connection) as captured:
        assert root.get(listed(model)).status_code == 200
    asked = [query["sql"] for query in captured.captured_queries]
    beside = [
        sql for sql in asked if re.search(r'FROM "(vouchers_(leg|campaign)|merchants_store)"', sql)
    ]
    assert len(beside) <= 2, beside
