"""Where merchants and channels want to hear of events, and the log of every delivery to them."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, frozen_columns, never_deleted

HTTPS_ONLY = r"^https://[^/?#@\s]+(/[^#\s]*)?$"
"""No user, no password, no fragment; what the host resolves to is judged at each delivery."""


class WebhookEndpoint(models.Model):
    """An https address of a merchant or of a channel that gets the events it subscribes to.

    Its secret is derived from the installation's key, its id and `secret_number`, and so not
    stored. Rows are never deleted: messages name them without a foreign key in the database, so
    that a redemption's transaction locks no row of this table.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        # It answered 410, or took nothing for days.
        DISABLED = "disabled", _("disabled")

    merchant = models.ForeignKey(
        Merchant,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="webhook_endpoints",
        verbose_name=_("merchant"),
    )
    channel_code = models.CharField(_("channel"), max_length=20, blank=True)
    url = models.CharField(_("address"), max_length=300)
    events = models.JSONField(_("events"))
    is_test = models.BooleanField(_("test"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)
    secret_number = models.PositiveIntegerField(_("secret no."), default=1)
    # Until then messages are signed with the secret before, too.
    previous_secret_until_at = models.DateTimeField(
        _("previous secret until"), null=True, blank=True
    )
    # Failures in a row. An endpoint that fails rests, so that it delays no other.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since_at = models.DateTimeField(_("failing since"), null=True, blank=True)
    rests_until_at = models.DateTimeField(_("rests until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(merchant__isnull=False, channel_code="")
                | Q(merchant__isnull=True, channel_code__gt=""),
                name="endpoint_of_merchant_or_channel",
            ),
            models.CheckConstraint(condition=Q(url__regex=HTTPS_ONLY), name="endpoint_is_https"),
            models.CheckConstraint(
                condition=Q(state__in=["active", "paused", "disabled"]), name="endpoint_state_known"
            ),
            models.UniqueConstraint(
                fields=["merchant", "channel_code", "is_test", "url"],
                nulls_distinct=False,
                name="one_endpoint_per_address",
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("webhook_endpoint"),
            frozen_columns(
                "endpoint_owner_frozen", "merchant_id", "channel_code", "is_test", "created_at"
            ),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One try to deliver a message to an endpoint."""

    message = models.ForeignKey(
        "vouchers.Outbox", models.PROTECT, related_name="deliveries", verbose_name=_("message")
    )
    at = models.DateTimeField(_("at"))
    # None: there was no answer.
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)
    took_ms = models.PositiveIntegerField(_("took, ms"))

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("webhook_delivery")

    def __str__(self) -> str:
        return f"{self.message_id} {self.status or self.error}"


INSERT_MESSAGES: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_outbox (
        topic, key, endpoint_id, payload, created_at, tries, tries_before, last_error)
    SELECT topic, key, endpoint_id, payload::jsonb, created_at, 0, 0, ''
      FROM unnest(
        %(topics)s::text[], %(keys)s::text[], %(endpoint_ids)s::bigint[], %(payloads)s::text[],
        %(ats)s::timestamptz[]
      ) AS fresh(topic, key, endpoint_id, payload, created_at)
        ON CONFLICT (key) DO NOTHING
    """
)
