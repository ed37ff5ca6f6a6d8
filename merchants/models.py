"""Who may take vouchers, and where: merchants, stores, their places, terminals, credentials."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from merchants.geo import Datum

DATUM_CHOICES = [(datum.value, datum.value) for datum in Datum]


class State(models.TextChoices):
    """Whether a merchant, store or credential may act."""

    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    CLOSED = "closed", _("closed")


class District(models.Model):
    """An administrative district (区), keyed by its six-digit adcode."""

    adcode = models.IntegerField(_("adcode"), primary_key=True)
    name = models.CharField(_("name"), max_length=40, unique=True)
    population = models.IntegerField(_("population (census)"), null=True, blank=True)
    # GeoJSON geometry in WGS-84; only used to flag stores that lie outside the district they state.
    boundary = models.JSONField(_("boundary (GeoJSON, WGS-84)"), null=True, blank=True)

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        ordering: ClassVar = ["adcode"]

    def __str__(self) -> str:
        return self.name


class Merchant(models.Model):
    """A legal person that is paid for redeemed vouchers."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    credit_code = models.CharField(_("unified social credit code"), max_length=18, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)
    # Books of test campaigns are kept apart; a test merchant is only seen by test keys.
    is_test = models.BooleanField(_("test"), default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="merchant_state_known")
        ]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A place where vouchers are redeemed. Where it lies is in its `StoreLocation` versions.

    Its number is unique within its merchant, upper and lower case being one (`references`); stores
    of two merchants may have the same.
    """

    # The index of its numbers begins with the merchant. One of its own would be chosen for look-ups
    # by number too, and read every store of a chain.
    merchant = models.ForeignKey(
        Merchant,
        models.PROTECT,
        related_name="stores",
        verbose_name=_("merchant"),
        db_index=False,
    )
    external_id = models.CharField(_("store no."), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    brand = models.CharField(_("brand"), max_length=80, blank=True)
    category = models.CharField(_("category"), max_length=40)
    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, verbose_name=_("district")
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering: ClassVar = ["external_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "merchant",
                Upper("external_id"),
                name="one_store_number_per_merchant",
                violation_error_message=_("The merchant has a store of that number already."),
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="store_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} {self.external_id} {self.name}"


class StoreLocation(models.Model):
    """One dated version of a store's place. A correction adds a version; runs name the one they
    used.
    """

    store = models.ForeignKey(
        Store, models.PROTECT, related_name="locations", verbose_name=_("store")
    )
    version = models.PositiveIntegerField(_("version"))
    valid_from_at = models.DateTimeField(_("valid from"))
    longitude_deg = models.FloatField(_("longitude, WGS-84 °"))
    latitude_deg = models.FloatField(_("latitude, WGS-84 °"))
    datum = models.CharField(_("datum as given"), max_length=8, choices=DATUM_CHOICES)
    raw_longitude = models.FloatField(_("longitude as given"))
    raw_latitude = models.FloatField(_("latitude as given"))
    # None: the district is not stated or has no boundary on file.
    outside_district = models.BooleanField(_("outside its stated district"), null=True)

    class Meta:
        verbose_name = _("store location")
        verbose_name_plural = _("store locations")
        ordering: ClassVar = ["store", "version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "version"], name="one_location_per_version"),
            # BETWEEN is false for NaN's neighbours and for infinities, so both are refused here
            # too.
            models.CheckConstraint(
                condition=Q(longitude_deg__range=(-180, 180), latitude_deg__range=(-90, 90)),
                name="store_location_on_earth",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="store_location_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            pgtrigger.Trigger(
                name="store_location_no_truncate",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'a book cannot be truncated';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store_id} v{self.version}"


class Terminal(models.Model):
    """A till device in a store."""

    store = models.ForeignKey(
        Store, models.PROTECT, related_name="terminals", verbose_name=_("store")
    )
    code = models.CharField(_("terminal no."), max_length=40)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "code"], name="one_terminal_code_per_store")
        ]

    def __str__(self) -> str:
        return f"{self.store_id}/{self.code}"


class Credential(models.Model):
    """A caller of the API. Its id is the caller's identity for idempotency and survives key
    rotation.
    """

    class Kind(models.TextChoices):
        TERMINAL = "terminal", _("terminal")
        MERCHANT = "merchant", _("merchant")
        INTEGRATOR = "integrator", _("integrator")
        CHANNEL = "channel", _("channel")

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    scopes = models.JSONField(_("scopes"), default=list)
    merchants = models.ManyToManyField(
        Merchant, blank=True, related_name="credentials", verbose_name=_("merchants it acts for")
    )
    # Empty: every store of its merchants.
    stores = models.ManyToManyField(
        Store, blank=True, related_name="credentials", verbose_name=_("stores it is limited to")
    )
    terminal = models.ForeignKey(
        Terminal, models.PROTECT, null=True, blank=True, verbose_name=_("terminal")
    )
    channel_code = models.CharField(_("channel"), max_length=20, blank=True)
    is_test = models.BooleanField(_("test"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind="channel", channel_code__gt="") | ~Q(kind="channel"),
                name="channel_credential_names_its_channel",
            ),
            models.CheckConstraint(
                condition=Q(kind="terminal", terminal__isnull=False) | ~Q(kind="terminal"),
                name="terminal_credential_names_its_terminal",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CredentialKey(models.Model):
    """One secret of a credential; two may be valid at once while a caller rotates."""

    credential = models.ForeignKey(
        Credential, models.PROTECT, related_name="keys", verbose_name=_("credential")
    )
    # SHA-256 of the whole key. Keys are 256 random bits, so no slow hash is needed.
    key_sha256 = models.BinaryField(_("key hash"), max_length=32, unique=True)
    hint = models.CharField(_("first characters"), max_length=32)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("key")
        verbose_name_plural = _("keys")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="key_expires_after_creation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.hint}…"


# Asked for every key every few seconds, so it is a statement and not a queryset: building one takes
# ten times as long as running this.
FIND_CALLER = """
SELECT c.id, c.kind, ARRAY(SELECT jsonb_array_elements_text(c.scopes)),
       ARRAY(SELECT m.merchant_id FROM merchants_credential_merchants m
              WHERE m.credential_id = c.id),
       ARRAY(SELECT s.store_id FROM merchants_credential_stores s WHERE s.credential_id = c.id),
       t.code, c.channel_code, c.is_test
  FROM merchants_credentialkey k
  JOIN merchants_credential c ON c.id = k.credential_id
  LEFT JOIN merchants_terminal t ON t.id = c.terminal_id
 WHERE k.key_sha256 = %(key_sha256)s
   AND (k.revoked_at IS NULL OR k.revoked_at > %(at)s)
   AND (k.expires_at IS NULL OR k.expires_at > %(at)s)
   AND c.state = 'active' AND c.is_test = %(is_test)s
   AND (c.terminal_id IS NULL OR t.state = 'active')
"""

# Stores arrive by the thousand: COPY into a staging table, then a few set-based statements.

STAGE_STORES = """
CREATE TEMP TABLE IF NOT EXISTS staged_store (
    "row" int PRIMARY KEY, external_id text NOT NULL, merchant_id bigint NOT NULL,
    name text NOT NULL, brand text NOT NULL, category text NOT NULL, district_id int,
    longitude_deg float8 NOT NULL, latitude_deg float8 NOT NULL, datum text NOT NULL,
    raw_longitude float8 NOT NULL, raw_latitude float8 NOT NULL, outside_district boolean,
    is_new boolean NOT NULL DEFAULT false, is_changed boolean NOT NULL DEFAULT false
) ON COMMIT DELETE ROWS;
TRUNCATE pg_temp.staged_store
"""

COPY_STORES = """
COPY pg_temp.staged_store ("row", external_id, merchant_id, name, brand, category, district_id,
    longitude_deg, latitude_deg, datum, raw_longitude, raw_latitude, outside_district) FROM STDIN
"""

# A row means the store of its own merchant, whose number stays as it was first written. A name of a
# district that is not on file leaves what is known.
UPSERT_STORES = """
WITH written AS (
    INSERT INTO merchants_store AS store
           (external_id, merchant_id, name, brand, category, district_id, state)
    SELECT external_id, merchant_id, name, brand, category, district_id, 'active'
      FROM pg_temp.staged_store ORDER BY "row"
        ON CONFLICT (merchant_id, upper(external_id)) DO UPDATE
       SET name = EXCLUDED.name, brand = EXCLUDED.brand, category = EXCLUDED.category,
           district_id = COALESCE(EXCLUDED.district_id, store.district_id)
     WHERE (store.name, store.brand, store.category, store.district_id)
           IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.brand, EXCLUDED.category,
                             COALESCE(EXCLUDED.district_id, store.district_id))
    RETURNING external_id, merchant_id, xmax = 0 AS is_new
)
UPDATE pg_temp.staged_store s SET is_new = written.is_new, is_changed = NOT written.is_new
  FROM written
 WHERE written.merchant_id = s.merchant_id
   AND upper(written.external_id) = upper(s.external_id)
"""

# What was given decides, not what was made of it: a place is new if its raw figures are.
ADD_STORE_LOCATIONS = """
WITH located AS (
    INSERT INTO merchants_storelocation (store_id, version, valid_from_at, longitude_deg,
           latitude_deg, datum, raw_longitude, raw_latitude, outside_district)
    SELECT store.id, COALESCE(latest.version, 0) + 1, %(at)s, s.longitude_deg, s.latitude_deg,
           s.datum, s.raw_longitude, s.raw_latitude, s.outside_district
      FROM pg_temp.staged_store s
      JOIN merchants_store store ON store.merchant_id = s.merchant_id
       AND upper(store.external_id) = upper(s.external_id)
      LEFT JOIN LATERAL (
           SELECT * FROM merchants_storelocation location
            WHERE location.store_id = store.id ORDER BY version DESC LIMIT 1) latest ON true
     WHERE (latest.raw_longitude, latest.raw_latitude, latest.datum, latest.outside_district)
           IS DISTINCT FROM (s.raw_longitude, s.raw_latitude, s.datum, s.outside_district)
     ORDER BY s."row"
    RETURNING store_id
)
UPDATE pg_temp.staged_store s SET is_changed = NOT s.is_new
  FROM located JOIN merchants_store store ON store.id = located.store_id
 WHERE store.merchant_id = s.merchant_id
   AND upper(store.external_id) = upper(s.external_id)
"""

COUNT_STAGED_STORES = """
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE is_changed),
       count(*) FILTER (WHERE NOT is_new AND NOT is_changed),
       count(*) FILTER (WHERE outside_district)
  FROM pg_temp.staged_store
"""
