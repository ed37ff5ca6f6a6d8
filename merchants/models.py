"""Who may take vouchers, and where: merchants, stores, their places, terminals, credentials."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from merchants.geo import Datum
from merchants.states import ONLY_OF_SUSPENDED, SUSPENSION_DUE, suspended_until
from merchants.states import State as State
from merchants.triggers import street_of_its_district

DATUM_CHOICES = [(datum.value, datum.value) for datum in Datum]


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


class Street(models.Model):
    """A street or town (街镇) of a district, keyed by the nine digits of its code.

    A campaign that stays within streets copies their boundaries into its terms, so that a later
    import changes no campaign.
    """

    code = models.IntegerField(_("code"), primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    district = models.ForeignKey(
        District, models.PROTECT, related_name="streets", verbose_name=_("district")
    )
    # GeoJSON geometry in WGS-84, without flaws (`area_flaw`).
    boundary = models.JSONField(_("boundary (GeoJSON, WGS-84)"))

    class Meta:
        verbose_name = _("street (街镇)")
        verbose_name_plural = _("streets (街镇)")
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["district", "name"], name="one_street_name_per_district"
            )
        ]
        triggers: ClassVar = [
            # Stores and roles name a street with its district.
            pgtrigger.Protect(
                name="street_district_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.district_id IS DISTINCT FROM NEW.district_id"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.district} {self.name}"


class Merchant(models.Model):
    """A legal person that is paid for redeemed vouchers."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    credit_code = models.CharField(_("unified social credit code"), max_length=18, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)
    suspended_until_at = suspended_until()
    # Books of test campaigns are kept apart; a test merchant is only seen by test keys.
    is_test = models.BooleanField(_("test"), default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="merchant_state_known"
            ),
            ONLY_OF_SUSPENDED,
        ]
        indexes: ClassVar = [SUSPENSION_DUE]

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
    # Derived, never typed: the street of the stated district whose boundary holds the store's
    # newest place (`services/street_places`). None: none does.
    street = models.ForeignKey(
        Street,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="stores",
        verbose_name=_("street (街镇)"),
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)
    suspended_until_at = suspended_until()

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
            ONLY_OF_SUSPENDED,
        ]
        indexes: ClassVar = [SUSPENSION_DUE]
        triggers: ClassVar = [
            street_of_its_district(
                "store_street_of_its_district",
                on=pgtrigger.Insert | pgtrigger.UpdateOf("district_id", "street_id"),  # type: ignore[no-untyped-call]
            )
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
    suspended_until_at = suspended_until()

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "code"], name="one_terminal_code_per_store"),
            ONLY_OF_SUSPENDED,
        ]
        indexes: ClassVar = [SUSPENSION_DUE]

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
    suspended_until_at = suspended_until()

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
            ONLY_OF_SUSPENDED,
        ]
        indexes: ClassVar = [SUSPENSION_DUE]

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


class EnrolmentCode(models.Model):
    """A one-time code for which a terminal gets its key. Its text exists once, as a key's does."""

    terminal = models.ForeignKey(
        Terminal, models.PROTECT, related_name="enrolment_codes", verbose_name=_("terminal")
    )
    code_sha256 = models.BinaryField(_("code hash"), max_length=32, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    is_test = models.BooleanField(_("test"), default=False)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("enrolment code")
        verbose_name_plural = _("enrolment codes")
        constraints: ClassVar = [
            # A newer code takes the place of one that was not used.
            models.UniqueConstraint(
                fields=["terminal", "is_test"],
                condition=Q(used_at__isnull=True),
                name="one_open_code_per_terminal",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="code_expires_after_creation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.expires_at:%Y-%m-%d}"


class EnrolmentGuess(models.Model):
    """Wrong enrolment codes from one address in one hour."""

    address = models.GenericIPAddressField(_("address"))
    hour_at = models.DateTimeField(_("hour"))
    wrong = models.PositiveIntegerField(_("wrong codes"), default=0)

    class Meta:
        verbose_name = _("wrong enrolment codes")
        verbose_name_plural = _("wrong enrolment codes")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["address", "hour_at"], name="one_count_of_guesses")
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.wrong}"


class OwnNumber(models.Model):
    """What a caller calls a store, or a till of it, by its own numbers."""

    credential = models.ForeignKey(
        Credential, models.PROTECT, related_name="own_numbers", verbose_name=_("credential")
    )
    store_no = models.CharField(_("its own store no."), max_length=40)
    # Empty: the store as a whole.
    terminal_no = models.CharField(_("its own till no."), max_length=40, blank=True)
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="own_numbers", verbose_name=_("store")
    )
    terminal = models.ForeignKey(
        Terminal, models.PROTECT, null=True, blank=True, verbose_name=_("terminal")
    )

    class Meta:
        verbose_name = _("own number")
        verbose_name_plural = _("own numbers")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "credential",
                Upper("store_no"),
                Upper("terminal_no"),
                name="one_store_per_own_number",
            ),
            models.CheckConstraint(
                condition=Q(terminal_no="", terminal__isnull=True)
                | Q(terminal_no__gt="", terminal__isnull=False),
                name="own_till_number_names_a_till",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store_no} {self.terminal_no}".strip()
