"""Pages of attempts, signals and holds."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import BaseDialogForm

from merchants.admin.labels import label
from merchants.errors import Refusal
from merchants.models import Store
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, in_lines
from vouchers.admin.buttons import button
from vouchers.admin.faults import sentence
from vouchers.admin.filters import CAMPAIGN, RefusalCodes
from vouchers.admin.hotline import masked
from vouchers.admin.limits.attempt_facts import facts_in_words
from vouchers.admin.limits.case_words import about, noticed
from vouchers.admin.rule_words import rule_text
from vouchers.http.refusal_names import refusal_name
from vouchers.models import Attempt, Campaign, Hold, Resident, RiskVersion, Signal, Voucher
from vouchers.models.limits.risk import hold_opener, hold_reason
from vouchers.money import yuan
from vouchers.services.redemption import holds


@admin.register(Attempt)
class AttemptAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Every refusal, as it was given."""

    nothing_yet = _(
        "Nothing has been refused yet. Every refusal at a till appears here with its reason."
    )
    list_display = ["row_no", "at", "named", "answer", "campaign", "store", "caller"]
    list_filter = [RefusalCodes]
    list_select_related = ["caller"]
    searches = [searches.number(), searches.voucher("voucher_id")]
    search_help_text = _("Number of an attempt, or a voucher's code or number")
    fields = [
        "row_no",
        "at",
        "named",
        "answer",
        "campaign",
        "store",
        "voucher",
        "resident",
        "caller",
        "key",
        "code",
        "rule",
        "facts_listed",
    ]
    readonly_fields = ["named", "answer", "campaign", "store", "facts_listed"]

    @display(description=_("refusal"), ordering="code")
    def named(self, attempt: Attempt) -> str:
        return label(refusal_name(attempt.code))

    @display(description=_("what was answered"))
    def answer(self, attempt: Attempt) -> str:
        refusal = Refusal(attempt.code, attempt.rule, attempt.facts)
        return sentence(refusal, get_language() or "en")

    @display(description=_("facts"))
    def facts_listed(self, attempt: Attempt) -> str:
        lines = facts_in_words(attempt.facts)
        return in_lines(_("%(name)s: %(value)s") % {"name": n, "value": v} for n, v in lines)

    @display(description=_("voucher"), empty_value="–")
    def voucher(self, attempt: Attempt) -> str | None:
        """As other pages number it; it need not exist."""
        number = attempt.voucher_id
        return None if number is None else str(Voucher(id=number))

    @display(description=_("resident"), empty_value="–")
    def resident(self, attempt: Attempt) -> str | None:
        if attempt.resident_id is None:
            return None
        rows = Resident.objects.filter(pk=attempt.resident_id)
        number = rows.values_list("external_id", flat=True).first()
        return None if number is None else masked(number)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """With the names of campaign and store. An attempt has no foreign keys: what it names need
        not exist any more."""
        rows: QuerySet[Attempt] = super().get_queryset(request)
        return rows.annotate(
            campaign_name=_name(Campaign, "campaign_id"), store_name=_name(Store, "store_id")
        )

    @display(description=_("campaign"), empty_value="–")
    def campaign(self, attempt: Any) -> str | None:
        name: str | None = attempt.campaign_name
        return name

    @display(description=_("store"), empty_value="–")
    def store(self, attempt: Any) -> str | None:
        name: str | None = attempt.store_name
        return name


def _name(model: type[Campaign] | type[Store], column: str) -> Subquery:
    rows = model._default_manager.filter(pk=OuterRef(column))
    return Subquery(rows.order_by().values("name"))


@admin.register(Signal)
class SignalAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """What the risk rules noticed, whether they were live or in shadow."""

    nothing_yet = _(
        "No signal yet. Risk rules are proposed on a campaign's page; what they notice"
        " appears here."
    )
    list_display = [
        "row_no",
        "raised_at",
        "kind",
        "facts_line",
        "setting",
        "verdict",
        "store",
        "redemption",
    ]
    list_filter = ["kind", CAMPAIGN]
    list_select_related = ["store__merchant", "redemption"]
    searches = [searches.number("redemption_id"), searches.subject]
    search_help_text = _("Number of a subject or of a redemption")
    raw_id_fields = ["redemption", "voucher"]
    readonly_fields = ["about", "facts_line"]
    fields = [
        "campaign",
        "version",
        "kind",
        "facts_line",
        "setting",
        "verdict",
        "about",
        "store",
        "redemption",
        "voucher",
        "order_no",
        "raised_at",
    ]

    @display(description=_("concerns"))
    def about(self, signal: Signal) -> str:
        who = Resident.objects.filter(pk=signal.subject_id).values_list("external_id", flat=True)
        is_person = signal.subject == "resident"
        return about(signal, resident=(is_person and who.first()) or "")

    @display(description=_("what was noticed"))
    def facts_line(self, signal: Signal) -> str:
        return noticed(signal)


@admin.register(RiskVersion)
class RiskVersionAdmin(ReadOnlyAdmin):
    """The risk rules of campaigns, version by version; the newest of a campaign is in force."""

    nothing_yet = _("No risk rules yet. They are proposed on a campaign's page.")
    list_display = ["campaign", "number", "rule_lines", "in_force_at"]
    list_filter = [CAMPAIGN]
    list_select_related = ["campaign"]
    fields = ["campaign", "number", "rule_lines", "in_force_at", "proposal"]
    raw_id_fields = ["proposal"]
    readonly_fields = ["rule_lines"]

    @display(description=_("rules"))
    def rule_lines(self, version: RiskVersion) -> str:
        return in_lines(map(rule_text, version.rules))


@admin.register(Hold)
class HoldAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Money kept back until a person has checked it."""

    nothing_yet = _("No money is held. It is held from a case, or on a redemption's page.")
    list_display = [
        "redemption",
        "store",
        "amount",
        "why",
        "opener",
        "opened_at",
        "released_at",
    ]
    list_select_related = ["redemption__store", "rule_version"]
    list_filter = [("released_at", admin.EmptyFieldListFilter)]
    searches = [searches.number("redemption_id")]
    search_help_text = _("Number of a redemption")
    raw_id_fields = ["redemption"]
    fields = [
        "redemption",
        "store",
        "amount",
        "why",
        "opener",
        "opened_at",
        "case",
        "released_by",
        "released_at",
    ]
    readonly_fields = ["store", "amount", "why", "opener"]
    actions_detail = ["release", "call_back"]

    release = button(
        holds.release,
        _("Release"),
        icon="lock_open",
        title=_("Release the money"),
        description=_("The next settlement pays it out."),
        success=_("Released."),
        form=BaseDialogForm,
        subject="hold",
        permission="release",
    )

    call_back = button(
        holds.call_back,
        _("Call back"),
        icon="undo",
        title=_("Call the money back"),
        description=_(
            "The merchant is not paid. The redemption is reversed and its order refused for ever;"
            " the money returns to the voucher, or to the budget where its validity has ended or"
            " part of it was refunded."
        ),
        success=_("Called back."),
        subject="hold",
        permission="release",
    )

    def is_offered(self, act: str, row: Hold) -> bool:
        """A hold is ended once."""
        return row.released_at is None

    @display(description=_("opened by"))
    def opener(self, hold: Hold) -> str:
        return hold_opener(hold)

    @display(description=_("reason"))
    def why(self, hold: Hold) -> str:
        return hold_reason(hold.reason)

    @display(description=_("store"))
    def store(self, hold: Hold) -> str:
        return hold.redemption.store.name

    @display(description=_("money"))
    def amount(self, hold: Hold) -> str:
        return yuan(hold.redemption.discount_fen)

    def has_release_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "vouchers.change_hold", object_id)
