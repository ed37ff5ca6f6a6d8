"""Residents: one verified natural person each, with dated points, links, consents and proxies."""

from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import DATUM_CHOICES, District
from vouchers.rules.residents import SANDBOX
from vouchers.sql.fields import Xid8Field
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import (
    dated_by_transaction,
    dates_parent,
    frozen_columns,
    never_deleted,
    only_arrows,
)
from vouchers.states import RESIDENT_ARROWS, ResidentState

BUCKETS = 1024

RESIDENT_STATES = [
    (ResidentState.ACTIVE.value, _("active")),
    (ResidentState.FROZEN.value, _("frozen")),
    (ResidentState.DECEASED.value, _("deceased")),
    (ResidentState.ERASED.value, _("erased")),
]


class Resident(models.Model):
    """One verified identity. Limits count on this row's id (or on its merge group)."""

    external_id = models.CharField(_("resident no."), max_length=64, unique=True)
    # Hash of the first verified id, mod 1024; never changes, so it can be a distribution key.
    bucket = models.SmallIntegerField(_("bucket"))
    # HMAC-SHA256 of the national id under the environment's key: equal people collide, but the
    # number cannot be read from it.
    identity_hmac = models.BinaryField(_("identity hash"), max_length=32, null=True, unique=True)
    phone_hmac = models.BinaryField(_("phone hash"), max_length=32, null=True)
    # Encrypted under `data_key`, which erasure destroys; only where a channel must send.
    identity_cipher = models.BinaryField(null=True)
    phone_cipher = models.BinaryField(null=True)
    data_key = models.BinaryField(null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=RESIDENT_STATES, default=ResidentState.ACTIVE.value
    )
    birth_year = models.SmallIntegerField(_("birth year"), null=True, blank=True)
    # Its index is that of the streets, which begins with the district.
    district = models.ForeignKey(
        District,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("district of residence"),
    )
    street = models.CharField(_("street"), max_length=40, blank=True)
    # Attributes to filter by, never assumed: None means unknown.
    is_registered = models.BooleanField(_("registered household (户籍)"), null=True)
    has_residence_permit = models.BooleanField(_("residence permit"), null=True)
    guardian = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("guardian"),
    )
    need_score = models.SmallIntegerField(_("need score"), default=0)
    tags = models.BigIntegerField(_("tags (64 bits)"), default=0)
    created_at = models.DateTimeField(_("created at"))
    # The transaction of the last change of this row, of a point or of a consent, by triggers: what
    # a packed snapshot has missed is found by it, not by clock.
    changed_xid = Xid8Field()

    class Meta:
        verbose_name = _("resident")
        verbose_name_plural = _("residents")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(bucket__gte=0, bucket__lt=BUCKETS), name="resident_bucket_in_range"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in ResidentState]),
                name="resident_state_known",
            ),
            models.CheckConstraint(
                condition=Q(guardian__isnull=True) | ~Q(guardian=F("id")),
                name="guardian_is_another_resident",
            ),
            models.UniqueConstraint(fields=["bucket", "id"], name="resident_by_bucket"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["changed_xid"], name="resident_by_change"),
            models.Index(
                fields=["id"],
                name="resident_of_sandbox",
                condition=Q(external_id__startswith=SANDBOX),
            ),
            models.Index(fields=["district", "street"], name="resident_by_street"),
        ]
        triggers: ClassVar = [
            *never_deleted("resident"),
            dated_by_transaction("resident_change_dated"),
            frozen_columns("resident_identity_frozen", "bucket", "external_id"),
            only_arrows("resident_arrows", RESIDENT_ARROWS),
        ]

    def __str__(self) -> str:
        return self.external_id


class ResidentPoint(models.Model):
    """A dated place of a resident. The current one of each kind has no `superseded_at`."""

    class Kind(models.TextChoices):
        HOME = "home", _("home")
        WORK = "work", _("work")
        RECENT = "recent", _("recent")

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="points")
    bucket = models.SmallIntegerField(_("bucket"))
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    longitude_deg = models.FloatField(_("longitude, WGS-84 °"))
    latitude_deg = models.FloatField(_("latitude, WGS-84 °"))
    datum = models.CharField(_("datum as given"), max_length=8, choices=DATUM_CHOICES)
    raw_longitude = models.FloatField(_("longitude as given"))
    raw_latitude = models.FloatField(_("latitude as given"))
    observed_at = models.DateTimeField(_("observed at"))
    superseded_at = models.DateTimeField(_("superseded at"), null=True, blank=True)
    coarsened_at = models.DateTimeField(_("coarsened at"), null=True, blank=True)
    changed_xid = Xid8Field()

    class Meta:
        verbose_name = _("resident's point")
        verbose_name_plural = _("residents' points")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bucket", "resident", "kind"],
                condition=Q(superseded_at__isnull=True),
                name="one_current_point_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(longitude_deg__range=(-180, 180), latitude_deg__range=(-90, 90)),
                name="resident_point_on_earth",
            ),
        ]
        triggers: ClassVar = dates_parent("point", parent="vouchers_resident", key="resident_id")

    def __str__(self) -> str:
        return f"{self.resident_id} {self.kind}"


class Consent(models.Model):
    """A resident's consent to one purpose. No row, or a withdrawn one: no targeting."""

    class Purpose(models.TextChoices):
        TARGETING = "targeting", _("targeting by place")
        CONTACT = "contact", _("being contacted")

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="consents")
    bucket = models.SmallIntegerField(_("bucket"))
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices)
    text_version = models.CharField(_("text version"), max_length=20)
    granted_at = models.DateTimeField(_("granted at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bucket", "resident", "purpose"],
                condition=Q(withdrawn_at__isnull=True),
                name="one_live_consent_per_purpose",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("granted_at")),
                name="consent_withdrawn_after_grant",
            ),
        ]
        triggers: ClassVar = dates_parent("consent", parent="vouchers_resident", key="resident_id")

    def __str__(self) -> str:
        return f"{self.resident_id} {self.purpose}"


class Link(models.Model):
    """A weak, dated identifier of a resident (device, phone, card, account); has limits of its own
    and merges no residents."""

    class Kind(models.TextChoices):
        DEVICE = "device", _("device")
        PHONE = "phone", _("phone")
        CARD = "card", _("card")
        ACCOUNT = "account", _("account")

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="links")
    bucket = models.SmallIntegerField(_("bucket"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    value_hmac = models.BinaryField(_("value hash"), max_length=32)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bucket", "resident", "kind", "value_hmac"], name="one_link_per_value"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "value_hmac"], name="link_by_value")]

    def __str__(self) -> str:
        return f"{self.resident_id} {self.kind}"


class Proxy(models.Model):
    """A declared person (family, volunteer) who may hold and show a resident's vouchers."""

    holder = models.ForeignKey(
        Resident, models.CASCADE, related_name="proxies", verbose_name=_("holder")
    )
    proxy = models.ForeignKey(
        Resident, models.CASCADE, related_name="proxy_for", verbose_name=_("proxy")
    )
    relation = models.CharField(_("relation"), max_length=40, blank=True)
    declared_at = models.DateTimeField(_("declared at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proxy")
        verbose_name_plural = _("proxies")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["holder", "proxy"],
                condition=Q(ended_at__isnull=True),
                name="one_live_proxy_per_pair",
            ),
            models.CheckConstraint(
                condition=~Q(holder=F("proxy")), name="proxy_is_another_resident"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proxy_id} → {self.holder_id}"


class ResidentMerge(models.Model):
    """An explicit, reversible statement that two residents are one person for limits."""

    kept = models.ForeignKey(
        Resident, models.PROTECT, related_name="merged_members", verbose_name=_("counted as")
    )
    member = models.ForeignKey(
        Resident, models.PROTECT, related_name="merges", verbose_name=_("same person")
    )
    reason = models.CharField(_("reason"), max_length=200)
    merged_by = models.CharField(_("merged by"), max_length=150)
    merged_at = models.DateTimeField(_("merged at"))
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("merge of residents")
        verbose_name_plural = _("merges of residents")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["member"],
                condition=Q(undone_at__isnull=True),
                name="one_live_merge_per_member",
            ),
            models.CheckConstraint(
                condition=~Q(kept=F("member")), name="merge_joins_two_residents"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} → {self.kept_id}"


class Shopper(NamedTuple):
    """The person who shows a voucher, and the residents they are a declared proxy of."""

    id: int
    external_id: str
    state: str
    may_show_for: list[int]
    is_merged: bool


FIND_SHOPPERS = Statement(
    """
    SELECT r.id, r.external_id, r.state,
           ARRAY(SELECT p.holder_id FROM vouchers_proxy p
                  WHERE p.proxy_id = r.id AND p.ended_at IS NULL),
           EXISTS (SELECT FROM vouchers_residentmerge m
                    WHERE m.member_id = r.id AND m.undone_at IS NULL)
        OR EXISTS (SELECT FROM vouchers_residentmerge m
                    WHERE m.kept_id = r.id AND m.undone_at IS NULL)
      FROM unnest(%(resident_nos)s::text[]) AS wanted(external_id)
      JOIN vouchers_resident r ON r.external_id = wanted.external_id
    """,
    Shopper._make,
)
FIND_LINKS = Statement(
    """
    SELECT l.resident_id, l.value_hmac FROM unnest(%(resident_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_link l ON l.resident_id = wanted.id AND l.ended_at IS NULL
    """,
    lambda row: (int(row[0]), bytes(row[1])),
)
# All residents that live merges, also in a chain, declare to be the same person as one of these.
FIND_SAME_PEOPLE = Statement(
    """
    WITH RECURSIVE same(wanted_id, id) AS (
        SELECT id, id FROM unnest(%(resident_ids)s::bigint[]) AS wanted(id)
         UNION
        SELECT s.wanted_id, other.id
          FROM same s
         CROSS JOIN LATERAL (
            SELECT kept_id FROM vouchers_residentmerge
             WHERE member_id = s.id AND undone_at IS NULL
             UNION ALL
            SELECT member_id FROM vouchers_residentmerge
             WHERE kept_id = s.id AND undone_at IS NULL
         ) AS other(id)
    )
    SELECT wanted_id, id FROM same WHERE id <> wanted_id ORDER BY wanted_id, id
    """,
    lambda row: (int(row[0]), int(row[1])),
)
FIND_STATES: Statement[Any] = Statement(
    """
    SELECT r.id, r.state FROM unnest(%(resident_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_resident r ON r.id = wanted.id
    """
)
