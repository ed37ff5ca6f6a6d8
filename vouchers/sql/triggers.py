"""Triggers shared by the tables: append-only books and the only legal arrows of a state."""

from collections.abc import Iterable, Sequence
from enum import Enum

import pgtrigger
from django.db import connections


def append_only(table: str) -> list[pgtrigger.Trigger]:
    """Refuse UPDATE, DELETE and TRUNCATE of a book; undoing is a new entry."""
    return [
        pgtrigger.Protect(
            name=f"{table}_append_only", operation=pgtrigger.Update | pgtrigger.Delete
        ),
        never_truncated(table),
    ]


def never_deleted(table: str) -> list[pgtrigger.Trigger]:
    """Refuse DELETE and TRUNCATE of a table whose rows change but never leave."""
    return [
        pgtrigger.Protect(name=f"{table}_not_deleted", operation=pgtrigger.Delete),
        never_truncated(table),
    ]


def never_truncated(table: str) -> pgtrigger.Trigger:
    """Refuse TRUNCATE of a table whose rows leave one by one, by their own rules."""
    return pgtrigger.Trigger(
        name=f"{table}_no_truncate",
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func="RAISE EXCEPTION 'a book cannot be truncated';",
    )


def only_arrows(name: str, arrows: Iterable[tuple[Enum, Enum]]) -> pgtrigger.Trigger:
    """Refuse every change of `state` that is not one of `arrows`.

    The test is the trigger's WHEN clause, so a legal change costs no function call.
    """
    pairs = ", ".join(
        f"({_literal(old)}, {_literal(new)})"
        for old, new in sorted(arrows, key=lambda arrow: (str(arrow[0].value), str(arrow[1].value)))
    )
    return pgtrigger.Protect(
        name=name,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            f"OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ({pairs})"
        ),
    )


def begins_as(name: str, *states: Enum) -> pgtrigger.Trigger:
    """Refuse a row that begins in any other of its states."""
    return pgtrigger.Protect(
        name=name,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(f"NEW.state NOT IN ({', '.join(map(_literal, states))})"),
    )


def own_transaction(table: str) -> pgtrigger.Trigger:
    """Refuse a row with another transaction's number: `xid` is the database's to fill in."""
    return pgtrigger.Protect(
        name=f"{table}_xid_is_its_own",
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.xid IS DISTINCT FROM pg_current_xact_id()"),
    )


def dated_by_transaction(name: str) -> pgtrigger.Trigger:
    """Write into `changed_xid` which transaction changed the row, whatever changed it."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func="NEW.changed_xid = pg_current_xact_id(); RETURN NEW;",
    )


def dates_parent(table: str, *, parent: str, key: str) -> list[pgtrigger.Trigger]:
    """Write into `changed_xid` of the parent's row that something of it has changed.

    Once a statement, by an array so that a plan made for a million rows is good for one. What the
    same transaction has dated already is left alone.
    """
    new, old = (
        pgtrigger.Referencing(**{side: "rows_changed"})  # type: ignore[no-untyped-call]
        for side in ("new", "old")
    )
    operations = {
        "added": (pgtrigger.Insert, new),
        "changed": (pgtrigger.Update, new),
        "taken_out": (pgtrigger.Delete, old),
    }
    return [
        pgtrigger.Trigger(
            name=f"{table}_{what}_dated",
            when=pgtrigger.After,
            operation=operation,
            level=pgtrigger.Statement,
            referencing=referencing,
            func=f"""
            UPDATE {parent} SET changed_xid = pg_current_xact_id()
             WHERE id = ANY (ARRAY(SELECT {key} FROM rows_changed))
               AND changed_xid <> pg_current_xact_id();
            RETURN NULL;""",
        )
        for what, (operation, referencing) in operations.items()
    ]


def same_campaign(name: str, **parents: str) -> pgtrigger.Trigger:
    """Refuse a new row whose `parents` (column to table) belong to another campaign than itself."""
    strangers = " UNION ALL ".join(
        f"SELECT FROM {table} WHERE id = NEW.{column} AND campaign_id <> NEW.campaign_id"
        for column, table in parents.items()
    )
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=refuse_if(f"EXISTS ({strangers})", name, "a part of another campaign")
        + " RETURN NEW;",
    )


def refuse_if(condition: str, name: str, message: str) -> str:
    """PL/pgSQL that refuses, as constraint `name`, when `condition` is true; unknown is false."""
    return f"""
            IF {condition} THEN
                RAISE EXCEPTION '{message}'
                    USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
            END IF;"""


def never_ignored(*, using: str) -> None:
    """Disable the session variable that turns django-pgtrigger's triggers off.

    Its triggers ask this function first, which looks at a session's variable; every installation of
    a trigger writes it anew, so this follows each migration.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name)"
            " RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'"
        )


def frozen_columns(name: str, *columns: str) -> pgtrigger.Trigger:
    """Refuse an UPDATE that changes any of `columns` (again in the WHEN clause)."""
    return pgtrigger.Protect(
        name=name, operation=pgtrigger.Update, condition=pgtrigger.Condition(differ(columns))
    )


def differ(columns: Sequence[str]) -> str:
    """SQL that is true where an UPDATE changes any of `columns`."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def only_in_draft(
    table: str,
    *,
    operation: pgtrigger.Operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
    parent: str = "",
    key: str = "",
) -> pgtrigger.Trigger:
    """Refuse to change a part of a campaign's terms once it has left the draft, and to move a part
    to another campaign.

    FOR SHARE makes the change wait for a submission under way, and the other way round. A part
    that knows its campaign through a `parent` row names it and the `key` to it.
    """
    owner = key or "campaign_id"
    campaign = f"COALESCE(NEW.{owner}, OLD.{owner})"
    if parent:
        campaign = f"(SELECT campaign_id FROM {parent} WHERE id = {campaign})"
    return pgtrigger.Trigger(
        name=f"{table}_only_in_draft",
        when=pgtrigger.Before,
        operation=operation,
        declare=[("campaign_state", "text")],
        func=f"""
            SELECT state INTO campaign_state FROM vouchers_campaign WHERE id = {campaign} FOR SHARE;
            IF campaign_state <> 'draft' OR TG_OP = 'UPDATE' AND OLD.{owner} <> NEW.{owner} THEN
                RAISE EXCEPTION 'terms of a % campaign cannot be edited', campaign_state
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';
            END IF;
            RETURN COALESCE(NEW, OLD);
        """,
    )


def only_widened(
    table: str, *, part: str, fixed: Sequence[str], widened: Sequence[str], written: str
) -> pgtrigger.Trigger:
    """Refuse an UPDATE of a part's row outside the draft, but for the one that an amendment makes:
    the row becomes what `part` of the terms in force says, and none of `widened` lower.

    NULL is the widest value. `fixed` columns stay, and in a draft too no row changes its campaign.
    `written` is how a document writes `fixed`: keys and values of a JSON object. The approval puts
    its terms in force first.
    """
    narrowed = " OR ".join(
        f"NEW.{column} IS NOT NULL AND (OLD.{column} IS NULL OR NEW.{column} < OLD.{column})"
        for column in widened
    )
    figures = ", ".join(f"'{column}', NEW.{column}" for column in widened)
    return pgtrigger.Trigger(
        name=f"{table}_only_widened",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("campaign_state", "text"), ("in_force", "bigint")],
        func=f"""
            SELECT state, terms_id INTO campaign_state, in_force FROM vouchers_campaign
             WHERE id = OLD.campaign_id FOR SHARE;
            IF {differ(["campaign_id"])}
               OR campaign_state <> 'draft' AND ({differ(fixed)} OR {narrowed} OR NOT EXISTS (
                   SELECT FROM vouchers_termsversion v
                    CROSS JOIN jsonb_array_elements(v.document -> '{part}') AS said
                    WHERE v.id = in_force AND said = jsonb_build_object({written}, {figures})))
            THEN
                RAISE EXCEPTION 'terms of a % campaign change as an amendment says', campaign_state
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_only_in_draft';
            END IF;
            RETURN NEW;
        """,
    )


def _literal(value: Enum) -> str:
    return f"'{value.value}'" if isinstance(value.value, str) else str(value.value)
