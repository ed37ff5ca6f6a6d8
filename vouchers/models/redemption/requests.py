"""The requests that were answered, and the files into which old ones were moved."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, NamedTuple, Self

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, never_truncated, refuse_if

MIN_RETENTION: Final = timedelta(days=30)


class RequestRecord(models.Model):
    """The answer given under a caller's idempotency key; committed with the effect.

    HASH partitions by caller, so every unique index has that column.
    """

    pk = models.CompositePrimaryKey("caller_id", "key")
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    key = models.CharField(_("idempotency key"), max_length=255)
    # SHA-256 of method, path and canonical JSON.
    fingerprint = models.BinaryField(_("fingerprint"), max_length=32)
    status = models.SmallIntegerField(_("HTTP status"))
    answer = models.BinaryField(_("answer"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        # Requests arrive in order of time, so a few pages of ranges find those old enough.
        indexes: ClassVar = [
            BrinIndex(fields=["created_at"], autosummarize=True, name="request_by_time")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="request_append_only", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="request_archived_first",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_requestarchive"
                    " WHERE before_at > OLD.created_at)",
                    "request_archived_first",
                    "a request is in no archive",
                )
                + " RETURN OLD;",
            ),
            never_truncated("request"),
        ]

    def __str__(self) -> str:
        return f"{self.caller_id}/{self.key}"


class RequestArchive(models.Model):
    """A file that holds every request answered before an instant and after the last archive's.

    Order claims and refund numbers stay in their tables, so that what an archived key did is not
    done again under another.
    """

    # Requests with created_at < before_at are in this file or in an earlier one.
    before_at = models.DateTimeField(_("requests before"), unique=True)
    name = models.CharField(_("file"), max_length=100, unique=True)
    row_count = models.PositiveBigIntegerField(_("requests"))
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    archived_at = models.DateTimeField(_("archived at"))

    class Meta:
        verbose_name = _("archive of requests")
        verbose_name_plural = _("archives of requests")
        ordering: ClassVar = ["-before_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(before_at__lte=F("archived_at") - MIN_RETENTION),
                name="archive_of_the_past",
            )
        ]
        triggers: ClassVar = append_only("request_archive")

    def __str__(self) -> str:
        return self.name


class StoredAnswer(NamedTuple):
    """What was answered under a key, and to which request."""

    caller_id: int
    key: str
    fingerprint: bytes
    status: int
    answer: bytes


class KeyRow(NamedTuple):
    """A caller's key: whether the caller is switched off, and what was answered under it."""

    caller_id: int
    is_off: bool
    answer: StoredAnswer | None

    @classmethod
    def decode(cls, row: Sequence[Any]) -> Self:
        """From a row of FIND_KEYS."""
        return cls(row[1], row[0], None if row[3] is None else StoredAnswer._make(row[1:]))


# Callers are remembered for seconds; whether their credentials and tills are switched off is asked
# in every transaction, so that a switch acts at the next request. A row for every key.
FIND_KEYS = Statement(
    """
    SELECT COALESCE(c.state <> 'active' OR t.state <> 'active', false),
           wanted.caller_id, wanted.key, r.fingerprint, r.status, r.answer
      FROM unnest(%(caller_ids)s::bigint[], %(keys)s::text[]) AS wanted(caller_id, key)
      LEFT JOIN vouchers_requestrecord r ON r.caller_id = wanted.caller_id AND r.key = wanted.key
      LEFT JOIN merchants_credential c ON c.id = wanted.caller_id
      LEFT JOIN merchants_terminal t ON t.id = c.terminal_id
    """,
    KeyRow.decode,
    is_binary=True,
)
INSERT_ANSWERS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_requestrecord (caller_id, key, fingerprint, status, answer, created_at)
    SELECT * FROM unnest(
        %(caller_ids)s::bigint[], %(keys)s::text[], %(fingerprints)s::bytea[],
        %(statuses)s::smallint[], %(answers)s::bytea[], %(ats)s::timestamptz[])
    """
)
# As bytes in the file: one JSON object a line, oldest first.
READ_REQUESTS: Final = """
    SELECT created_at, caller_id, key, fingerprint, status, answer
      FROM vouchers_requestrecord WHERE created_at < %(before_at)s
     ORDER BY created_at, caller_id, key
"""
DROP_ARCHIVED = Statement(
    "SELECT huimin_drop_archived_requests(%(archive_id)s::bigint)", lambda row: int(row[0])
)
