"""Which tables the database keeps the history of, and who it writes down as the author.

A trigger on each of them adds a row to `vouchers_setupchange` for every row that is inserted,
changed or deleted, whatever did it. The database cannot know who sits behind a connection, so a
statement that writes into one of these tables is preceded, in its transaction, by a label: the
person, the request, the worker's task or the command that the logs name too. What has no label is
recorded without one, with the database role. No table that a redemption, claim or run writes into
is here.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

CAMPAIGN: Final = "vouchers_campaign"
STORE: Final = "merchants_store"
CREDENTIAL: Final = "merchants_credential"


@dataclass(frozen=True, slots=True)
class Recorded:
    """How rows of a table are recorded.

    `page` is the table of the row on whose page their history stands, `page_key` the column that
    holds its key. Of `secret` columns only the fact is recorded that they changed. `passing` ones
    don't belong to the set-up and are left out.
    """

    page: str
    page_key: str
    key: str = "id"
    secret: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


def _own(table: str, key: str = "id", **more: tuple[str, ...]) -> Recorded:
    return Recorded(table, key, key, **more)


RECORDED: Final = {
    CAMPAIGN: _own(CAMPAIGN),
    "vouchers_campaignstore": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_fundingsource": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_geofence": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_limitrule": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_quotacell": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_ring": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_round": Recorded(CAMPAIGN, "campaign_id"),
    "vouchers_tier": Recorded(CAMPAIGN, "campaign_id"),
    # The campaign of its tier.
    "vouchers_tiersplit": Recorded(CAMPAIGN, "tier_id"),
    "vouchers_webhookendpoint": _own(
        "vouchers_webhookendpoint", passing=("failures", "failing_since_at", "rests_until_at")
    ),
    "merchants_merchant": _own("merchants_merchant"),
    STORE: _own(STORE),
    "merchants_storelocation": Recorded(STORE, "store_id"),
    "merchants_terminal": Recorded(STORE, "store_id"),
    CREDENTIAL: _own(CREDENTIAL),
    "merchants_credential_merchants": Recorded(CREDENTIAL, "credential_id"),
    "merchants_credential_stores": Recorded(CREDENTIAL, "credential_id"),
    "merchants_credentialkey": Recorded(CREDENTIAL, "credential_id", secret=("key_sha256",)),
    "merchants_ownnumber": Recorded(CREDENTIAL, "credential_id"),
    "merchants_district": _own("merchants_district", "adcode"),
    "merchants_street": _own("merchants_street", "code"),
}
"""By table. A table that is added here gets its triggers from a migration that calls
`functions.install`."""

RECORD_CHANGE: Final = """
CREATE OR REPLACE FUNCTION huimin_record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    page text := TG_ARGV[0];
    page_key text := TG_ARGV[1];
    row_key text := TG_ARGV[2];
    secret text[] := TG_ARGV[3];
    passing text[] := TG_ARGV[4];
    stale jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    fresh jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    whole jsonb := COALESCE(fresh, stale);
    label jsonb := NULLIF(current_setting('huimin.by', true), '')::jsonb;
    was jsonb;
    became jsonb;
    page_of bigint;
BEGIN
    SELECT jsonb_object_agg(name, CASE WHEN name <> ALL (secret) THEN stale -> name END),
           jsonb_object_agg(name, CASE WHEN name <> ALL (secret) THEN fresh -> name END)
      INTO was, became FROM jsonb_object_keys(whole) AS name
     WHERE stale -> name IS DISTINCT FROM fresh -> name AND name <> ALL (passing);
    IF was IS NULL THEN
        RETURN NULL;
    END IF;
    page_of := (whole ->> page_key)::bigint;
    IF page_key = 'tier_id' THEN
        -- The tier is gone where foreign keys are only checked later: then it stands on no page.
        page_of := COALESCE((SELECT campaign_id FROM vouchers_tier WHERE id = page_of), 0);
    END IF;
    INSERT INTO vouchers_setupchange (page_table, page_id, table_name, row_id, operation, before,
                                      after, at, user_id, username, origin, request_id,
                                      database_role)
    VALUES (page, page_of, TG_TABLE_NAME, (whole ->> row_key)::bigint, lower(TG_OP),
            CASE WHEN TG_OP <> 'INSERT' THEN was END, CASE WHEN TG_OP <> 'DELETE' THEN became END,
            clock_timestamp(), (label ->> 'user_id')::bigint,
            COALESCE((SELECT username FROM auth_user WHERE id = (label ->> 'user_id')::bigint), ''),
            left(COALESCE(label ->> 'origin', ''), 100),
            left(COALESCE(label ->> 'request_id', ''), 128), session_user);
    RETURN NULL;
END $$
"""


def _array(names: tuple[str, ...]) -> str:
    return "{" + ",".join(names) + "}"


RECORDERS: Final = {
    table: (
        f"""
CREATE OR REPLACE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION huimin_record_change(
        '{it.page}', '{it.page_key}', '{it.key}', '{_array(it.secret)}', '{_array(it.passing)}')
""",
        # Emptying a table calls no trigger of its rows.
        f"""
CREATE OR REPLACE TRIGGER record_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()
""",
    )
    for table, it in RECORDED.items()
}
"""The triggers of each table: the one that records, and the one that refuses to go round it."""

_SET_LABEL: Final = "SELECT set_config('huimin.by', %s, true)"
_WRITES: Final = re.compile(
    r'\s*(?:WITH\b.*)?(?:INSERT INTO|UPDATE|DELETE FROM) +"?(?:' + "|".join(RECORDED) + r")\b",
    re.DOTALL,
)
"""Statements that write into a recorded table, as Django and our own SQL write them."""

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def keep_author(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Label what is written over a new connection; a receiver of `connection_created`."""
    if _labelled not in connection.execute_wrappers:
        # In front: temporary wrappers are removed from the end.
        connection.execute_wrappers.insert(0, _labelled)


def _labelled(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    label = _label() if isinstance(sql, str) and _WRITES.match(sql) else ""
    if not label:
        return execute(sql, params, many, context)
    connection: BaseDatabaseWrapper = context["connection"]
    if connection.in_atomic_block:
        return _execute_labelled(label, execute, sql, params, many, context)
    # A label lasts as long as its transaction, which a statement on its own does not show us.
    with transaction.atomic(using=connection.alias):
        return _execute_labelled(label, execute, sql, params, many, context)


def _execute_labelled(label: str, execute: Execute, *statement: Any) -> Any:
    """A rolled back savepoint takes the label along, so each statement has its own."""
    connection: BaseDatabaseWrapper = statement[-1]["connection"]
    with connection.cursor() as cursor:
        cursor.execute(_SET_LABEL, [label])
    return execute(*statement)


def _label() -> str:
    """Who acts, from the context of the logs; empty where that names no one."""
    bound = structlog.contextvars.get_contextvars()
    named = {
        "user_id": bound.get("user_id"),
        "request_id": bound.get("request_id"),
        "origin": _origin(bound),
    }
    return json.dumps(named) if any(named.values()) else ""


def _origin(bound: dict[str, Any]) -> str:
    """What most directly caused the statement: a task knows the request that started it, and a web
    server is itself started by a command."""
    if bound.get("task"):
        return f"task {bound['task']}"
    if bound.get("request_id"):
        return "admin" if bound.get("user_id") else "api"
    return f"command {bound['command']}" if bound.get("command") else ""
