"""Whatever services do to the set-up, its history replays to the rows as they are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from merchants.geo import Datum
from merchants.models import Credential, State
from merchants.services import credentials, edits, enrolment
from tests.support import cast
from tests.support.cast import DAY, NOON
from vouchers.models import Campaign, SetupChange, WebhookEndpoint
from vouchers.services.campaigns import drafts, stops
from vouchers.services.webhooks import endpoints
from vouchers.sql.history import RECORDED

EXAMPLES = 15


@pytest.fixture(scope="module")
def draft(rows_of_module: None) -> Campaign:
    """A draft with an endpoint and a caller beside it."""
    campaign = cast.spring_campaign(starts_at=NOON, ends_at=NOON + 30 * DAY)
    endpoints.add_endpoint(
        url="https://app.example/hook", events=["campaign.changed"], channel_code="app", at=NOON
    )
    credentials.issue_credential(
        name="till",
        kind=Credential.Kind.MERCHANT,
        scopes=["redeem"],
        merchants=[cast.huilian()],
        at=NOON,
    )
    return campaign


@pytest.fixture(autouse=True)
def _rows(draft: Campaign, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def rename(campaign: Campaign, name: str, radius_m: int) -> None:
    _edit(campaign, {"name": name, "radius_m": radius_m}, {})


def add_ring(campaign: Campaign, name: str, to_m: int) -> None:
    row = {"label": name[:8], "from_m": 0, "to_m": to_m}
    if not campaign.rings.filter(label=row["label"]).exists():
        _edit(campaign, {}, {"rings": [drafts.RowEdit(None, row)]})


def drop_ring(campaign: Campaign, _name: str, _figure: int) -> None:
    rings = campaign.rings.values_list("pk", flat=True)[:1]
    _edit(campaign, {}, {"rings": [drafts.RowEdit(pk, None) for pk in rings]})


def change_tier(campaign: Campaign, name: str, face_fen: int) -> None:
    tier = campaign.tiers.order_by("id").first()
    if tier:
        drafts.edit_tier(
            tier=tier,
            seen_edit=drafts.newest_edit(campaign),
            values={"name": name, "face_fen": face_fen, "threshold_fen": 10_000},
            split={"city": face_fen},
            by=cast.mei(),
            at=NOON,
        )


def drop_tier(campaign: Campaign, _name: str, _figure: int) -> None:
    tier = campaign.tiers.order_by("id").first()
    if tier:
        drafts.delete_tier(tier=tier, by=cast.mei(), at=NOON)


def change_store(_campaign: Campaign, name: str, figure: int) -> None:
    store = cast.nanjing_road()
    state = State.CLOSED if figure % 2 else store.state
    edits.edit_store(store=store, name=name, brand="", category="shop", district=None, state=state)


def stop_store(_campaign: Campaign, name: str, _figure: int) -> None:
    """Suspend it, or lift that."""
    store = cast.nanjing_road()
    if store.state == State.ACTIVE:
        stops.suspend(row=store, why=name, by=cast.mei(), at=NOON, until_at=None)
    elif store.state == State.SUSPENDED:
        stops.lift(row=store, why=name, by=cast.mei(), at=NOON)


def move_store(_campaign: Campaign, _name: str, figure: int) -> None:
    enrolment.move_store(
        store=cast.nanjing_road(),
        longitude=121.4 + figure / 100_000,
        latitude=31.2,
        datum=Datum.WGS_84,
        at=NOON,
    )


def rotate_key(_campaign: Campaign, _name: str, figure: int) -> None:
    credentials.rotate_key(credential=Credential.objects.get(), overlap_s=figure % 2, at=NOON + DAY)


def change_endpoint(_campaign: Campaign, _name: str, figure: int) -> None:
    endpoint = WebhookEndpoint.objects.get()
    WebhookEndpoint.objects.update(failures=figure)
    state = WebhookEndpoint.State.PAUSED if figure % 2 else WebhookEndpoint.State.ACTIVE
    endpoints.change_endpoint(
        endpoint=endpoint, url=endpoint.url, events=endpoint.events, state=state
    )


def _edit(campaign: Campaign, options: dict[str, Any], parts: dict[str, Any]) -> None:
    drafts.edit_campaign(
        campaign=campaign,
        seen_edit=drafts.newest_edit(campaign),
        options=options,
        parts=parts,
        by=cast.mei(),
        at=NOON,
    )


ACTS = [
    rename,
    add_ring,
    drop_ring,
    change_tier,
    drop_tier,
    change_store,
    stop_store,
    move_store,
    rotate_key,
    change_endpoint,
]
names = st.text("abc 券<&'é", min_size=1, max_size=20).filter(lambda it: it == it.strip())
steps = st.tuples(st.sampled_from(ACTS), names, st.integers(1, 9_000))


def replayed() -> dict[tuple[str, int], dict[str, Any]]:
    """Every row as its history says it is."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for change in SetupChange.objects.order_by("id"):
        key = (change.table_name, change.row_id)
        held = found.pop(key, None)
        assert (held is None) == (change.operation == "insert")
        if held is not None:
            assert change.before is not None
            assert change.before.items() <= held.items(), "it begins where the last one ended"
        if change.after is not None:
            found[key] = {**(held or {}), **change.after}
    return found


def rows_as_they_are() -> dict[tuple[str, int], dict[str, Any]]:
    """Every row of the recorded tables, as it is recorded."""
    found = {}
    with connection.cursor() as cursor:
        for table, it in RECORDED.items():
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            for (text,) in cursor.fetchall():
                row = json.loads(text)
                kept = {
                    name: None if name in it.secret else value
                    for name, value in row.items()
                    if name not in it.passing
                }
                found[table, row[it.key]] = kept
    return found


@settings(max_examples=EXAMPLES)
@given(edits_made=st.lists(steps, max_size=8))
def test_the_history_replays_to_the_rows(
    draft: Campaign, edits_made: list[tuple[Any, str, int]]
) -> None:
    with transaction.atomic():
        for act, name, figure in edits_made:
            act(draft, name, figure)
        assert replayed() == rows_as_they_are()
        transaction.set_rollback(True)
