"""The database's own refusals in the shape of ours: a broken constraint becomes a `Refused`."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError

from merchants.errors import Refused
from vouchers.rules.campaigns import INVALID

CODES = {
    "approval_by_another_person": "approver_edited",
    "approval_of_what_was_seen": "terms_not_as_seen",
    "one_decision_per_approver": "already_decided",
    "terms_only_in_draft": "campaign_state",
}


@contextmanager
def refused_by_database() -> Iterator[None]:
    """Turn a violated check or unique constraint into a refusal whose rule is its name.

    Stands outside `atomic()`, so that the transaction (or savepoint) has been rolled back by then.
    """
    try:
        yield
    except DatabaseError as error:
        if not isinstance(
            error.__cause__, psycopg.errors.CheckViolation | psycopg.errors.UniqueViolation
        ):
            raise
        constraint = error.__cause__.diag.constraint_name or ""
        raise Refused(CODES.get(constraint, INVALID), constraint) from error
