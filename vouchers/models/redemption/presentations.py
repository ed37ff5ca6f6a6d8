"""Codes shown once, papers, and how many wrong codes there were."""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential
from vouchers.models.campaigns.facts import WANTED_STORES
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.residents.residents import Resident
from vouchers.rules.issuing.numbered_codes import NUMBER_MAX
from vouchers.rules.redemption.shown import PAPER_TRIES
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import frozen_columns, never_deleted, refuse_if
from vouchers.states import WrongCodeKind

WRONG_CODE_KINDS = [
    (WrongCodeKind.TERMINAL.value, _("by a terminal's key")),
    (WrongCodeKind.CALLER.value, _("by another key")),
    (WrongCodeKind.STORE.value, _("in a store")),
    (WrongCodeKind.VOUCHER.value, _("naming a voucher")),
]


class Presentation(models.Model):
    """A voucher shown by a person (出示): the row that a presented code stands for.

    It redeems once, within its time. It is used under its voucher's lock, which therefore is its
    lock too. One writer: services/redemption.
    """

    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    shown_by = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    presented_at = models.DateTimeField(_("presented at"))
    expires_at = models.DateTimeField(_("expires at"))
    # What it redeemed.
    redemption_id = models.BigIntegerField(_("redemption"), null=True)

    class Meta:
        verbose_name = _("presented code")
        verbose_name_plural = _("presented codes")
        indexes: ClassVar = [models.Index(fields=["voucher"], name="presentation_by_voucher")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(id__range=(1, NUMBER_MAX)), name="presentation_number_fits"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("presented_at")), name="presentation_ends_after_start"
            ),
        ]
        triggers: ClassVar = [
            frozen_columns(
                "presentation_facts_frozen",
                "id",
                "voucher_id",
                "shown_by_id",
                "caller_id",
                "presented_at",
                "expires_at",
            ),
            pgtrigger.Protect(
                name="presentation_used_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.redemption_id IS NOT NULL"),
            ),
            pgtrigger.Trigger(
                name="presentation_fits_redemption",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.redemption_id IS NOT NULL"),
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_redemption r WHERE r.id = NEW.redemption_id"
                    " AND r.voucher_id = NEW.voucher_id AND r.shown_by_id = NEW.shown_by_id"
                    " AND r.redeemed_at < NEW.expires_at)",
                    "presentation_fits_redemption",
                    "a code redeems the voucher it was made for, by who showed it, in its time",
                )
                + " RETURN NEW;",
            ),
            pgtrigger.Protect(
                name="presentation_used_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.redemption_id IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class Paper(models.Model):
    """A voucher on paper (纸质券), for who has no telephone: its code is good with the last four
    digits of the holder's identity number. A lost paper is replaced and is void from then on.

    One writer: services/redemption, under the voucher's lock.
    """

    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    holder = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # HMAC-SHA256 of the four digits together with the voucher's number.
    digits_hmac = models.BinaryField(_("hash of the digits"), max_length=32)
    wrong_count = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    issued_at = models.DateTimeField(_("issued at"))
    replaced_at = models.DateTimeField(_("replaced at"), null=True, blank=True)

    class Meta:
        verbose_name = _("voucher on paper")
        verbose_name_plural = _("vouchers on paper")
        indexes: ClassVar = [models.Index(fields=["voucher"], name="paper_by_voucher")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(id__range=(1, NUMBER_MAX)), name="paper_number_fits"
            ),
            models.CheckConstraint(
                condition=Q(wrong_count__lte=PAPER_TRIES), name="paper_within_tries"
            ),
            models.UniqueConstraint(
                fields=["voucher"],
                condition=Q(replaced_at__isnull=True),
                name="one_live_paper_per_voucher",
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("paper"),
            frozen_columns(
                "paper_facts_frozen",
                "id",
                "voucher_id",
                "holder_id",
                "caller_id",
                "digits_hmac",
                "issued_at",
            ),
            pgtrigger.Protect(
                name="paper_never_easier",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.replaced_at IS NOT NULL OR NEW.wrong_count < OLD.wrong_count"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class WrongCodes(models.Model):
    """How many codes that are none one subject sent within one hour. One writer:
    services/redemption."""

    pk = models.CompositePrimaryKey("kind", "subject_id", "window_no")
    kind = models.SmallIntegerField(_("counts"), choices=WRONG_CODE_KINDS)
    # A key, a store or a voucher, by `kind`.
    subject_id = models.BigIntegerField(_("subject"))
    # Hours since 1970-01-01 in UTC.
    window_no = models.IntegerField(_("hour"))
    wrong_count = models.IntegerField(_("wrong codes"))
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        verbose_name = _("wrong codes")
        verbose_name_plural = _("wrong codes")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(wrong_count__gt=0), name="wrong_codes_positive")
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject_id}/{self.window_no}"


class FoundCode(NamedTuple):
    """A presentation or paper by its number: what of it never changes."""

    id: int
    voucher_id: int
    resident_no: str


FIND_PRESENTATIONS = Statement(
    """
    SELECT p.id, p.voucher_id, r.external_id
      FROM unnest(%(ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_presentation p ON p.id = wanted.id
      JOIN vouchers_resident r ON r.id = p.shown_by_id
    """,
    FoundCode._make,
)
FIND_PAPERS = Statement(
    """
    SELECT p.id, p.voucher_id, r.external_id
      FROM unnest(%(ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_paper p ON p.id = wanted.id
      JOIN vouchers_resident r ON r.id = p.holder_id
    """,
    FoundCode._make,
)


class PresentationRow(NamedTuple):
    """A presentation as it stands under its voucher's lock."""

    id: int
    expires_at: datetime
    is_used: bool


READ_PRESENTATIONS = Statement(
    """
    SELECT p.id, p.expires_at, p.redemption_id IS NOT NULL
      FROM unnest(%(ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_presentation p ON p.id = wanted.id
    """,
    PresentationRow._make,
    is_binary=True,
)


class PaperRow(NamedTuple):
    """A paper as it stands under its voucher's lock."""

    id: int
    digits_hmac: bytes
    wrong_count: int
    is_replaced: bool


READ_PAPERS = Statement(
    """
    SELECT p.id, p.digits_hmac, p.wrong_count, p.replaced_at IS NOT NULL
      FROM unnest(%(ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_paper p ON p.id = wanted.id
    """,
    PaperRow._make,
    is_binary=True,
)
USE_PRESENTATIONS: Statement[Any] = Statement(
    """
    UPDATE vouchers_presentation p SET redemption_id = used.redemption_id
      FROM unnest(%(ids)s::bigint[], %(redemption_ids)s::bigint[]) AS used(id, redemption_id)
     WHERE p.id = used.id
    """
)
COUNT_PAPER_TRIES: Statement[Any] = Statement(
    """
    UPDATE vouchers_paper p SET wrong_count = p.wrong_count + tried.count
      FROM unnest(%(ids)s::bigint[], %(counts)s::int[]) AS tried(id, count)
     WHERE p.id = tried.id
    """
)


class WrongRow(NamedTuple):
    """What was counted of one subject in one hour."""

    kind: int
    subject_id: int
    window_no: int
    wrong_count: int
    last_at: datetime


# Of keys and vouchers by their ids, of stores by the numbers that were sent.
READ_WRONG_CODES = Statement(
    f"""
    SELECT c.kind, c.subject_id, c.window_no, c.wrong_count, c.last_at
      FROM unnest(%(kinds)s::smallint[], %(subject_ids)s::bigint[])
        AS wanted(kind, subject_id)
      JOIN vouchers_wrongcodes c USING (kind, subject_id)
     WHERE c.window_no = ANY (%(window_nos)s::int[])
     UNION ALL
    SELECT c.kind, c.subject_id, c.window_no, c.wrong_count, c.last_at
    {WANTED_STORES}
      JOIN vouchers_wrongcodes c ON c.kind = {WrongCodeKind.STORE.value} AND c.subject_id = s.id
     WHERE c.window_no = ANY (%(window_nos)s::int[])
    """,
    WrongRow._make,
    is_binary=True,
)
# In key order, so that two batches never wait for each other in turn.
ADD_WRONG_CODES: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_wrongcodes AS c (kind, subject_id, window_no, wrong_count, last_at)
    SELECT * FROM unnest(
        %(kinds)s::smallint[], %(subject_ids)s::bigint[], %(window_nos)s::int[],
        %(counts)s::int[], %(last_ats)s::timestamptz[])
    ON CONFLICT (kind, subject_id, window_no) DO UPDATE
       SET wrong_count = c.wrong_count + EXCLUDED.wrong_count,
           last_at = GREATEST(c.last_at, EXCLUDED.last_at)
    """
)
INSERT_PRESENTATION = Statement(
    """
    INSERT INTO vouchers_presentation (voucher_id, shown_by_id, caller_id, presented_at, expires_at)
    VALUES (%(voucher_id)s, %(shown_by_id)s, %(caller_id)s, %(presented_at)s, %(expires_at)s)
    RETURNING id
    """,
    lambda row: int(row[0]),
)
