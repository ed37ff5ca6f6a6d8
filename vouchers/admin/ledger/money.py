"""Read-only pages of transfers, cash, redemptions and settlements."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.base import ReadOnlyInline
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, coloured, in_lines, money, split_in_yuan
from vouchers.admin.buttons import button
from vouchers.admin.filters import CAMPAIGN, NewestCampaigns
from vouchers.admin.hotline import masked
from vouchers.admin.words import ORDER_KINDS
from vouchers.models import (
    CashReceipt,
    Leg,
    Redemption,
    Settlement,
    SettlementLine,
    Transfer,
    Voucher,
)
from vouchers.models.ledger.transfers import ACCOUNT_KINDS
from vouchers.money import yuan
from vouchers.services.redemption import holds
from vouchers.states import Cause, RedemptionState, SettlementState, TransferReason

REASONS = {
    TransferReason.APPROPRIATE: _("appropriated"),
    TransferReason.CUT: _("appropriation cut"),
    TransferReason.RESERVE: _("reserved for a run"),
    TransferReason.RELEASE: _("reservation released"),
    TransferReason.MINT: _("issued"),
    TransferReason.AUTHORISE: _("authorised"),
    TransferReason.CAPTURE: _("captured"),
    TransferReason.LAPSE: _("authorisation lapsed"),
    TransferReason.REDEEM: _("redeemed"),
    TransferReason.VOID: _("voided"),
    TransferReason.REVERSE: _("reversed"),
    TransferReason.REFUND: _("refund"),
    TransferReason.EXPIRE: _("expired"),
    TransferReason.HOLD: _("held"),
    TransferReason.UNHOLD: _("hold lifted"),
    TransferReason.SETTLE: _("settled"),
    TransferReason.RECOVER: _("to be recovered"),
    TransferReason.REISSUE: _("voucher given back"),
    TransferReason.NET: _("kept back from a payout"),
    TransferReason.COLLECT: _("paid back by a merchant"),
    TransferReason.REPAY: _("repaid"),
}

CAUSES = {
    Cause.SOURCE: _("funding source"),
    Cause.PROPOSAL: _("proposal"),
    Cause.RUN: _("distribution run"),
    Cause.SHARD: _("shard"),
    Cause.TRANCHE: _("tranche"),
    Cause.REDEMPTION: _("redemption"),
    Cause.REFUND: _("refund"),
    Cause.HOLD: _("hold"),
    Cause.SETTLEMENT: _("settlement"),
    Cause.COLLECTION: _("collection"),
}


@admin.register(Transfer)
class TransferAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """The journal. A transfer's legs are read on its own page."""

    nothing_yet = _("No entry yet. Money moves first when a campaign is launched.")
    list_display = ["row_no", "at", "campaign", "why", "amount", "origin"]
    list_select_related = ["campaign"]
    searches = [searches.number()]
    search_help_text = _("Number of a transfer")
    fields = ["row_no", "at", "campaign", "why", "origin", "legs"]
    readonly_fields = ["why", "origin", "legs"]
    list_per_page = 30

    @display(description=_("reason"), ordering="reason")
    def why(self, transfer: Transfer) -> str:
        return str(REASONS[TransferReason(transfer.reason)])

    @display(description=_("cause"))
    def origin(self, transfer: Transfer) -> str:
        return f"{CAUSES[Cause(transfer.cause)]} {transfer.cause_id}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        """With what each has moved: Σ of its positive legs."""
        rows: QuerySet[Transfer] = super().get_queryset(request)
        legs = Leg.objects.filter(transfer_id=OuterRef("pk"), at=OuterRef("at"), amount_fen__gt=0)
        moved = legs.order_by().values("transfer_id").annotate(fen=Sum("amount_fen")).values("fen")
        return rows.annotate(moved_fen=Subquery(moved))

    amount = money("moved_fen", _("moved"))

    @display(description=_("legs"))
    def legs(self, transfer: Transfer) -> str:
        """One line per leg: account, source, signed amount."""
        names = dict(ACCOUNT_KINDS)
        legs = Leg.objects.filter(transfer_id=transfer.pk, at=transfer.at).select_related(
            "account__source"
        )
        return in_lines(
            f"{leg.account.source.name} · {names[leg.account.kind]} · {yuan(leg.amount_fen)}"
            for leg in legs.order_by("line_no")
        )


@admin.register(CashReceipt)
class CashReceiptAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Money that has arrived; recorded on the campaign's page."""

    nothing_yet = _("No cash has arrived yet. It is recorded on the campaign's page.")
    list_display = ["document_no", "campaign", "source", "amount", "received_at", "recorded_by"]
    list_filter = [("source__campaign", NewestCampaigns)]
    list_select_related = ["source__campaign"]
    searches = [searches.text("document_no"), searches.text("request_id")]
    search_help_text = _("The whole document or request number")
    amount = money("amount_fen", _("amount"))
    fields = [
        "campaign",
        "source",
        "amount",
        "document_no",
        "received_at",
        "recorded_by",
        "request_id",
    ]
    readonly_fields = ["campaign", "amount"]

    @display(description=_("campaign"))
    def campaign(self, receipt: CashReceipt) -> str:
        return str(receipt.source.campaign)


@admin.register(Redemption)
class RedemptionAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Vouchers used on orders."""

    nothing_yet = _("Nothing redeemed yet. Orders appear here as tills send them.")
    list_display = [
        "row_no",
        "redeemed_at",
        "store",
        "order_no",
        "order_amount",
        "discount",
        "state_label",
        "voucher_no",
        "campaign",
    ]
    list_select_related = ["store__merchant", "campaign"]
    searches = [
        searches.number(),
        searches.standing_redemption,
        searches.order,
        searches.store_and_day,
    ]
    search_help_text = _("Redemption no., order no., voucher, or store no. and day")
    fields = [
        "row_no",
        "state",
        "redeemed_at",
        "occurred_at",
        "business_day",
        "campaign",
        "merchant",
        "store",
        "terminal",
        "order_no",
        "order_amount",
        "eligible_amount",
        "discount",
        "by_source",
        "order_kind_named",
        "category",
        "voucher_no",
        "holder_masked",
        "shown_by_masked",
        "caller",
        "payment_ref",
        "receipt_no",
        "authorised",
        "expires_at",
        "captured_at",
        "undone_at",
    ]
    readonly_fields = [
        "order_kind_named",
        "order_amount",
        "eligible_amount",
        "discount",
        "by_source",
        "authorised",
        "voucher_no",
        "holder_masked",
        "shown_by_masked",
    ]
    authorised = money("authorised_fen", _("authorised"))
    order_amount = money("order_amount_fen", _("order amount"))
    eligible_amount = money("eligible_amount_fen", _("eligible amount"))
    discount = money("discount_fen", _("discount"))
    state_label = coloured(
        "state",
        _("state"),
        {
            RedemptionState.CAPTURED: "success",
            RedemptionState.AUTHORISED: "info",
            RedemptionState.VOIDED: "warning",
            RedemptionState.REVERSED: "danger",
            RedemptionState.REFUNDED: "warning",
        },
    )

    actions_detail = ["hold"]

    hold = button(
        holds.hold,
        _("Hold the money"),
        icon="lock",
        title=_("Hold the money"),
        description=_("It is not settled until it is released."),
        success=_("Held."),
        subject="redemption",
        permission="hold",
    )

    def is_offered(self, act: str, row: Redemption) -> bool:
        """What was not captured, or was undone, has no money to be held."""
        return row.state == RedemptionState.CAPTURED.value

    def has_hold_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "vouchers.add_hold", object_id)

    @display(description=_("order kind"))
    def order_kind_named(self, redemption: Redemption) -> str:
        return str(dict(ORDER_KINDS).get(redemption.order_kind, redemption.order_kind))

    @display(description=_("discount by source"))
    def by_source(self, redemption: Redemption) -> str:
        return split_in_yuan(redemption.split)

    @display(description=_("voucher"))
    def voucher_no(self, redemption: Redemption) -> str:
        return str(Voucher(id=redemption.voucher_id))

    @display(description=_("resident"))
    def holder_masked(self, redemption: Redemption) -> str:
        return masked(redemption.resident.external_id)

    @display(description=_("shown by"))
    def shown_by_masked(self, redemption: Redemption) -> str:
        return masked(redemption.shown_by.external_id)


class SettlementLineInline(ReadOnlyInline):
    """What each redemption adds."""

    model = SettlementLine
    fields = ["redemption_no", "kind", "amount"]
    readonly_fields = fields
    ordering = ["id"]
    per_page = 50
    amount = money("amount_fen", _("amount"))

    @display(description=_("redemption"))
    def redemption_no(self, line: SettlementLine) -> str:
        return str(line.redemption_id)


@admin.register(Settlement)
class SettlementAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """What each merchant is owed by each source for a business day."""

    nothing_yet = _(
        "No settlement yet. Each day is settled after it has ended; manage.py settle_day"
        " does it now."
    )
    list_display = [
        "business_day",
        "merchant",
        "campaign",
        "source",
        "line_count",
        "total",
        "state_label",
        "paid_at",
    ]
    list_filter = [CAMPAIGN]
    list_select_related = ["merchant", "campaign", "source"]
    searches = [searches.merchant, searches.business_day]
    search_help_text = _("The whole code of a merchant, or a day (2026-11-28)")
    fields = [
        "campaign",
        "merchant",
        "source",
        "business_day",
        "line_count",
        "total",
        "state",
        "closed_at",
        "paid_at",
        "file_hash",
    ]
    readonly_fields = ["total", "file_hash"]
    inlines = [SettlementLineInline]
    total = money("total_fen", _("total"))
    state_label = coloured(
        "state",
        _("state"),
        {SettlementState.PAID.value: "success", SettlementState.READY.value: "warning"},
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Settlement]:
        """Without the files, of which one has a line per redemption of its day."""
        rows: QuerySet[Settlement] = super().get_queryset(request)
        return rows.defer("content")

    @display(description=_("SHA-256 of the file"))
    def file_hash(self, settlement: Settlement) -> str:
        return bytes(settlement.sha256).hex()
