"""The database's own refusals in the shape of ours: a broken constraint becomes a `Refused`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError

from merchants.errors import Refusal, Refused
from vouchers.rules.campaigns.terms import DATES_CROSS, INVALID

CODES = {
    "approval_by_another_person": "approver_edited",
    "approval_of_what_was_seen": "terms_not_as_seen",
    "one_decision_per_approver": "already_decided",
    "one_signature_per_person": "already_decided",
    "decision_by_another_person": "approver_proposed",
    "decision_of_what_was_seen": "proposal_not_as_seen",
    "vouchers_proposaldecision_proposal_id_key": "proposal_decided",
    "campaign_ends_after_start": DATES_CROSS,
    "round_closes_after_opening": DATES_CROSS,
    "participation_ends_after_start": DATES_CROSS,
    "terms_only_in_draft": "campaign_state",
    "endpoint_is_https": "webhook_invalid",
    "endpoint_of_merchant_or_channel": "webhook_invalid",
    "one_endpoint_per_address": "webhook_invalid",
}

# The index of one HASH partition is named after that of the table.
PARTITION = re.compile(r"_p\d\d$")


def refuse(refusal: Refusal | None) -> None:
    """Raise the refusal of a rule; None passes."""
    if refusal:
        raise Refused(refusal.code, refusal.rule, **refusal.facts)


@contextmanager
def refused_by_database() -> Iterator[None]:
    """Turn a violated check or unique constraint into a refusal whose rule is its name, and a text
    beyond its column into `text_too_long`.

    Stands outside `atomic()`, so that the transaction (or savepoint) has been rolled back by then.
    """
    try:
        yield
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg.errors.StringDataRightTruncation):
            raise Refused("text_too_long") from error
        if not isinstance(
            error.__cause__, psycopg.errors.CheckViolation | psycopg.errors.UniqueViolation
        ):
            raise
        constraint = PARTITION.sub("", error.__cause__.diag.constraint_name or "")
        raise Refused(CODES.get(constraint, INVALID), constraint) from error
