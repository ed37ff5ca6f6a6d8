"""Money that comes back: refunds at the till, and what merchants paid back themselves."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.base import ReadOnlyInline
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, coloured, money
from vouchers.admin.filters import CAMPAIGN
from vouchers.models import Collection, CollectionLine, Refund, RefundPart
from vouchers.states import RefundPolicy


class RefundPartInline(ReadOnlyInline):
    """Each source's share, out of which account and into which."""

    model = RefundPart
    fields = ["source", "amount", "origin", "target"]
    readonly_fields = fields
    amount = money("amount_fen", _("amount"))


@admin.register(Refund)
class RefundAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Refunds of the shopper's money, and what of the subsidy followed."""

    nothing_yet = _("Nothing refunded yet. Refunds appear here as tills send them.")
    list_display = [
        "refund_no",
        "refunded_at",
        "store",
        "redemption_no",
        "amount",
        "clawback",
        "policy_label",
        "gives_voucher_back",
    ]
    list_select_related = ["store__merchant"]
    searches = [searches.number("redemption_id"), searches.refund]
    search_help_text = _("The whole refund number, or the number of a redemption")
    fields = [
        "refund_no",
        "refunded_at",
        "business_day",
        "merchant",
        "store",
        "redemption_no",
        "amount",
        "clawback",
        "policy",
        "gives_voucher_back",
        "caller",
        "hold",
    ]
    readonly_fields = ["redemption_no", "amount", "clawback"]
    inlines = [RefundPartInline]
    amount = money("amount_fen", _("refunded to the shopper"))
    clawback = money("clawback_fen", _("subsidy called back"))
    policy_label = coloured(
        "policy",
        _("policy"),
        {RefundPolicy.RETURN.value: "success", RefundPolicy.FORFEIT.value: "warning"},
    )

    @display(description=_("redemption"))
    def redemption_no(self, refund: Refund) -> str:
        return str(refund.redemption_id)


class CollectionLineInline(ReadOnlyInline):
    """Which refunds a collection clears."""

    model = CollectionLine
    fields = ["refund", "amount"]
    readonly_fields = fields
    amount = money("amount_fen", _("amount"))


@admin.register(Collection)
class CollectionAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """What merchants paid back that could not be kept back from a settlement."""

    nothing_yet = _(
        "No merchant has paid anything back yet. It is recorded on the campaign's page."
    )
    list_display = ["document_no", "campaign", "merchant", "source", "amount", "received_at"]
    list_filter = [CAMPAIGN]
    list_select_related = ["campaign", "merchant", "source"]
    searches = [
        searches.text("document_no"),
        searches.text("request_id"),
        searches.merchant,
    ]
    search_help_text = _("The whole document or request number, or the code of a merchant")
    inlines = [CollectionLineInline]
    amount = money("amount_fen", _("amount"))
