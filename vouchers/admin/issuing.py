"""Read-only pages of runs with their shards, tranches and vouchers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.base import ReadOnlyInline
from vouchers import tasks
from vouchers.admin import searches
from vouchers.admin.base import (
    ReadOnlyAdmin,
    coloured,
    counted,
    in_lines,
    money,
    split_in_yuan,
)
from vouchers.admin.buttons import button
from vouchers.admin.campaigns.overview import count_text, shown
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.hotline import HotlinePage
from vouchers.http.explanations import OUTCOMES, reason_name
from vouchers.http.progress import progress_text
from vouchers.models import Run, Shard, Tranche, Voucher
from vouchers.money import yuan
from vouchers.queries.issuing import progress_of
from vouchers.rules.issuing.outcomes import Outcome
from vouchers.services.issuing import control
from vouchers.states import RunState, TrancheState, VoucherState


class ShardInline(ReadOnlyInline):
    """The units workers take."""

    model = Shard
    fields = ["number", "tier", "voucher_count", "state", "lease_until_at", "fence"]
    readonly_fields = fields
    per_page = 20


class RunActs:
    """What may be done with a run under way."""

    def has_distribute_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(control.DISTRIBUTE)

    pause = button(
        control.pause_run,
        _("Pause"),
        icon="pause",
        title=_("Pause this distribution"),
        description=_("What is being minted is finished; nothing more is taken up."),
        success=_("Paused."),
        subject="run",
        permission="distribute",
    )
    resume = button(
        control.resume_run,
        _("Resume"),
        icon="play_arrow",
        title=_("Resume this distribution"),
        description=_("Workers take it up where it was."),
        success=_("Resumed."),
        subject="run",
        permission="distribute",
        then=tasks.wake_distribution,
    )
    cancel = button(
        control.cancel_run,
        _("Cancel"),
        icon="cancel",
        title=_("Cancel this distribution for good"),
        description=_(
            "Vouchers that are issued stay with their holders. What is not issued yet goes back"
            " into the quotas; another run may distribute it."
        ),
        success=_("Cancelled; what was not issued is free again."),
        subject="run",
        permission="distribute",
    )


@admin.register(Run)
class RunAdmin(RunActs, ReadOnlyAdmin):
    """Distribution runs; requested on the campaign's page."""

    nothing_yet = _("No run yet. One is requested on the page of a running campaign.")
    list_display = [
        "row_no",
        "campaign",
        "round",
        "state_label",
        "progress",
        "requested_by",
        "created_at",
        "finished_at",
    ]
    list_filter = ["state", CAMPAIGN]
    list_select_related = ["campaign", "round"]
    fields = [
        "campaign",
        "round",
        "terms",
        "seed",
        "state",
        "paused_at",
        "progress",
        "minted",
        "requested_by",
        "created_at",
        "finished_at",
        "found",
        "chosen",
    ]
    readonly_fields = ["progress", "minted", "found", "chosen"]
    inlines = [ShardInline]
    actions_detail = ["pause", "resume", "cancel"]
    state_label = coloured(
        "state",
        _("state"),
        {
            RunState.DONE.value: "success",
            RunState.RESERVED.value: "info",
            RunState.TARGETED.value: "info",
            RunState.TARGETING.value: "info",
            RunState.QUEUED.value: "warning",
            RunState.CANCELLED.value: "danger",
        },
    )

    def is_offered(self, act: str, row: Run) -> bool:
        """Nothing to do once it is done or cancelled."""
        idle = "pause" if row.paused_at else "resume"
        return row.state in control.LIVE_RUNS and act != idle

    @display(description=_("minted"))
    def minted(self, run: Run) -> str:
        """Vouchers so far, or parts of the targeting, how many a second, and when the last is."""
        return progress_text(progress_of(run, at=timezone.now()))

    @display(description=_("audience found"))
    def found(self, run: Run) -> str:
        """Residents by ring, and by why they are not targeted."""
        rings = run.audience.get("rings", {})
        reasons = run.audience.get("untargeted", {})
        return in_lines(
            [
                *(
                    _("ring %s: %s") % (ring, count_text(shown(count)))
                    for ring, count in rings.items()
                ),
                *(
                    f"{reason_name(code)}: {count_text(shown(count))}"
                    for code, count in reasons.items()
                ),
            ]
        )

    @display(description=_("selection"))
    def chosen(self, run: Run) -> str:
        """Vouchers and money by tier, why others of the audience got none, and what came back."""
        tiers = run.selection.get("tiers", {})
        names = dict(run.campaign.tiers.values_list("code", "name"))
        lines = [
            line for code, figures in tiers.items() for line in _tier_lines(names, code, figures)
        ]
        if "released_vouchers" in run.selection:
            released = f"{run.selection['released_vouchers']:,}"
            lines.append(_("%s vouchers were not issued and are free again") % released)
        return in_lines(lines)

    @display(description=_("progress"), ordering="progress_pct")
    def progress(self, run: Run) -> str:
        return format_html(
            '<progress max="100" value="{}" class="w-24 align-middle"></progress> {} %',
            run.progress_pct,
            run.progress_pct,
        )


def _tier_lines(names: dict[str, str], code: str, figures: dict[str, Any]) -> list[str]:
    name = names.get(code, code)
    chosen = _("%(tier)s: %(vouchers)s vouchers, %(amount)s") % {
        "tier": name,
        "vouchers": f"{figures['vouchers']:,}",
        "amount": yuan(figures["fen"]),
    }
    return [
        chosen,
        *(
            _("%(tier)s: without a voucher, %(why)s: %(residents)s residents")
            % {
                "tier": name,
                "why": OUTCOMES[Outcome(why)],
                "residents": count_text(shown(count)),
            }
            for why, count in figures["passed_over"].items()
            if count
        ),
    ]


@admin.register(Tranche)
class TrancheAdmin(ReadOnlyAdmin):
    """Vouchers minted together, with their frozen terms."""

    nothing_yet = _("No tranche yet. Runs and claims make them.")
    list_display = [
        "__str__",
        "campaign",
        "tier",
        "vouchers",
        "face",
        "threshold",
        "valid_until_at",
        "state_label",
    ]
    list_filter = ["state", CAMPAIGN]
    vouchers = counted("voucher_count", _("vouchers"))
    list_select_related = ["campaign", "tier"]
    fields = [
        "campaign",
        "tier",
        "round",
        "terms",
        "vouchers",
        "kind",
        "face",
        "threshold",
        "threshold_basis",
        "shares",
        "valid_from_at",
        "valid_until_at",
        "state",
        "minted_at",
        "expired_at",
    ]
    readonly_fields = [
        "face",
        "threshold",
        "shares",
    ]
    face = money("face_fen", _("face value"))
    threshold = money("threshold_fen", _("threshold"))
    state_label = coloured(
        "state",
        _("state"),
        {TrancheState.OUTSTANDING.value: "success", TrancheState.EXPIRED.value: "warning"},
    )

    @display(description=_("shares of the face"))
    def shares(self, tranche: Tranche) -> str:
        return split_in_yuan(tranche.split)


@admin.register(Voucher)
class VoucherAdmin(searches.ExactSearch, HotlinePage):
    """Single vouchers, by number; the printed code is searched for but never shown."""

    nothing_yet = _("No voucher yet. Vouchers come of a run or of claims.")
    list_display = ["__str__", "resident", "state_label"]
    list_select_related = ["resident"]
    searches = [searches.voucher(), searches.resident("resident_id")]
    search_help_text = _("Printed code (20 digits), tranche-serial, or the whole resident no.")
    fields = ["__str__", "state", "resident", "tranche"]
    readonly_fields = ["__str__", "tranche"]
    state_label = coloured(
        "state",
        _("state"),
        {
            VoucherState.ISSUED: "info",
            VoucherState.AUTHORISED: "warning",
            VoucherState.REDEEMED: "success",
            VoucherState.WITHDRAWN: "danger",
        },
    )

    @display(description=_("tranche"))
    def tranche(self, voucher: Voucher) -> str:
        found = Tranche.objects.select_related("tier").filter(pk=voucher.tranche_id).first()
        return f"{found} · {found.tier}" if found else f"{voucher.tranche_id:06d}"
