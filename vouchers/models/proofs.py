"""The outbox of messages to send, the seals that chain the journal, changes of people's roles."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.webhooks import WebhookEndpoint
from vouchers.sql.fields import Xid8Field
from vouchers.sql.triggers import (
    append_only,
    frozen_columns,
    never_truncated,
    own_transaction,
    refuse_if,
)


class Outbox(models.Model):
    """A message committed in the transaction it reports on; sent afterwards, at least once."""

    topic = models.CharField(_("topic"), max_length=60)
    # Identifies content and recipient; a message with the same key is not queued twice.
    key = models.CharField(_("key"), max_length=400, unique=True)
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    # Of these tries, those made before the message was replayed: the waits count from there.
    tries_before = models.PositiveIntegerField(_("tries before the replay"), default=0)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    # An event for an endpoint, which is never deleted; None: the payload says to whom.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="messages",
        verbose_name=_("endpoint"),
    )
    # Tried as often as the waits allow; a replay makes it due again.
    given_up_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    # Until then the message belongs to one sweep, or waits before it is tried again.
    lease_until_at = models.DateTimeField(_("leased until"), null=True, blank=True)
    xid = Xid8Field()

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        indexes: ClassVar = [
            models.Index(
                fields=["tries", "id"],
                name="outbox_waiting",
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
            ),
            models.Index(
                fields=["-id"], name="outbox_given_up", condition=Q(given_up_at__isnull=False)
            ),
        ]
        triggers: ClassVar = [
            own_transaction("outbox"),
            frozen_columns(
                "message_frozen", "topic", "key", "payload", "endpoint_id", "created_at", "xid"
            ),
            pgtrigger.Protect(
                name="message_sent_before_it_leaves",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.sent_at IS NULL"),
            ),
            never_truncated("outbox"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.topic}"


class Seal(models.Model):
    """A link of a campaign's audit chain: SHA-256 over the previous seal and the next stretch of
    its journal.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="seals")
    # Part of what is hashed: the books of two cities cannot be taken for one another.
    cell = models.CharField(_("cell"), max_length=12)
    number = models.PositiveBigIntegerField(_("number"))
    # Transfers with from ≤ xid < until, in (xid, id) order; `until` is below the snapshot's xmin.
    from_xid = models.BigIntegerField(_("from transaction"))
    until_xid = models.BigIntegerField(_("until transaction"))
    transfer_count = models.PositiveBigIntegerField(_("transfers"))
    previous_sha256 = models.BinaryField(_("previous SHA-256"), max_length=32)
    sha256 = models.BinaryField(_("SHA-256"), max_length=32, unique=True)
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering: ClassVar = ["campaign", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_seal_per_number"),
            models.CheckConstraint(
                condition=Q(until_xid__gt=F("from_xid")), name="seal_goes_forward"
            ),
        ]
        triggers: ClassVar = [
            *append_only("seal"),
            # What commits later would fall between two seals, were one taken above the oldest
            # transaction still running.
            pgtrigger.Trigger(
                name="seal_follows_the_last",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                declare=[("last", "vouchers_seal%ROWTYPE")],
                func="SELECT * INTO last FROM vouchers_seal WHERE campaign_id = NEW.campaign_id"
                " AND id <> NEW.id ORDER BY number DESC LIMIT 1;"
                + refuse_if(
                    "(NEW.number, NEW.from_xid, NEW.previous_sha256) IS DISTINCT FROM"
                    " (COALESCE(last.number, 0) + 1, COALESCE(last.until_xid, 0),"
                    " COALESCE(last.sha256, decode(repeat('00', 32), 'hex')))"
                    " OR NEW.until_xid > pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
                    "seal_follows_the_last",
                    "a seal goes on from the last one, below the oldest transaction still running",
                )
                + " RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class AuditReport(models.Model):
    """What one run of `audit_ledger` found."""

    started_at = models.DateTimeField(_("started at"))
    took_s = models.FloatField(_("took, seconds"))
    is_proven = models.BooleanField(_("books proven"))
    report = models.JSONField(_("report"))

    class Meta:
        verbose_name = _("audit report")
        verbose_name_plural = _("audit reports")
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = append_only("audit_report")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class RoleChange(models.Model):
    """A role granted or revoked. Only triggers on Django's tables of users and groups write here,
    so that every change is recorded however it was made.
    """

    user_id = models.BigIntegerField(_("user no."))
    username = models.CharField(_("user"), max_length=150)
    # A group's name, or one of Django's own marks: superuser, staff, active.
    role = models.CharField(_("role"), max_length=150)
    is_granted = models.BooleanField(_("granted"))
    at = models.DateTimeField(_("at"))
    # The database role that made the change: the services' role, or a console session's.
    database_role = models.CharField(_("database role"), max_length=63)

    class Meta:
        verbose_name = _("change of role")
        verbose_name_plural = _("changes of roles")
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("role_change")

    def __str__(self) -> str:
        return f"{'+' if self.is_granted else '-'}{self.role} {self.username}"
