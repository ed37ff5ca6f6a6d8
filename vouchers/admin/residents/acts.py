"""The acts on a resident's page: each opens a dialog, calls one service and shows the outcome."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm

from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin
from vouchers.admin.buttons import button
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.residents.forms import (
    ConsentForm,
    DocumentForm,
    ExcludeForm,
    LinkForm,
    MergeForm,
    ProxyForm,
    WithdrawForm,
)
from vouchers.models import Exclusion, Link, Proxy, ResidentMerge
from vouchers.services import residents

ACTS: Final = (
    "freeze",
    "unfreeze",
    "record_death",
    "undo_death",
    "keep_out",
    "merge",
    "give_consent",
    "withdraw_consent",
    "declare_proxy",
    "link",
    "erase",
)


class ResidentActs(ReadOnlyAdmin):
    """What may be done with a resident. Every service refuses what does not fit the state."""

    def has_change_resident_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "vouchers.change_resident", object_id)

    def has_add_exclusion_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "vouchers.add_exclusion", object_id)

    freeze = button(
        residents.freeze,
        _("Freeze"),
        icon="lock",
        title=_("Freeze this resident"),
        description=_("No voucher of theirs is accepted any more."),
        success=_("Frozen."),
        subject="resident",
        permission="change_resident",
    )
    unfreeze = button(
        residents.unfreeze,
        _("Unfreeze"),
        icon="lock_open",
        title=_("Unfreeze this resident"),
        description=_("Their vouchers are accepted again."),
        success=_("Active again."),
        subject="resident",
        permission="change_resident",
    )
    record_death = button(
        residents.record_death,
        _("Record death"),
        icon="event_busy",
        title=_("Record this resident's death"),
        description=_("Their vouchers are not accepted any more; proxies end."),
        success=_("Recorded."),
        form=DocumentForm,
        subject="resident",
        permission="change_resident",
    )
    undo_death = button(
        residents.undo_death,
        _("Undo recorded death"),
        icon="undo",
        title=_("The death was recorded by mistake"),
        description=_("The resident is active again."),
        success=_("Active again."),
        subject="resident",
        permission="change_resident",
    )
    keep_out = button(
        residents.exclude,
        _("Exclude"),
        icon="person_off",
        title=_("Keep this resident out"),
        description=_(
            "Out of one campaign's audience, or of every one. What was issued stays good."
        ),
        success=_("Excluded."),
        form=ExcludeForm,
        permission="add_exclusion",
        subject="resident",
    )
    merge = button(
        residents.merge,
        _("Merge"),
        icon="merge",
        title=_("Count this resident as another one"),
        description=_("Limits then count over both. It can be undone."),
        success=_("Merged."),
        form=MergeForm,
        subject="member",
        permission="change_resident",
    )
    give_consent = button(
        residents.record_consent,
        _("Give consent"),
        icon="check",
        title=_("Record this resident's consent"),
        description=_("As given on paper or by telephone."),
        success=_("Recorded."),
        form=ConsentForm,
        subject="resident",
        permission="change_resident",
    )
    withdraw_consent = button(
        residents.record_withdrawal,
        _("Withdraw consent"),
        icon="do_not_disturb_on",
        title=_("Record that this resident withdraws consent"),
        description=_("Without consent to targeting a resident is not targeted."),
        success=_("Withdrawn."),
        form=WithdrawForm,
        subject="resident",
        permission="change_resident",
    )
    declare_proxy = button(
        residents.record_proxy,
        _("Declare proxy"),
        icon="supervisor_account",
        title=_("Let another resident show this one's vouchers"),
        description=_("Family or a volunteer; limits still count for the holder."),
        success=_("Declared."),
        form=ProxyForm,
        subject="holder",
        permission="change_resident",
    )
    link = button(
        residents.link,
        _("Add link"),
        icon="link",
        title=_("Link a device, phone, card or account"),
        description=_("Kept as a keyed hash; it has limits of its own and merges no residents."),
        success=_("Linked."),
        form=LinkForm,
        subject="resident",
        permission="change_resident",
    )
    erase = button(
        residents.erase,
        _("Erase"),
        icon="delete_forever",
        title=_("Erase this resident for ever"),
        description=_("Places, links and attributes are destroyed; the books keep the number."),
        success=_("Erased."),
        subject="resident",
        permission="change_resident",
    )


class EndingAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Dated rows that one act ends, as long as they last."""

    search_help_text = _("The whole resident no.")
    ended_field: str
    ended_permission = "resident"
    actions_detail = ["end"]

    def is_offered(self, act: str, row: Model) -> bool:
        """A row ends once."""
        return getattr(row, self.ended_field) is None

    def has_end_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, f"vouchers.change_{self.ended_permission}", object_id)


@admin.register(ResidentMerge)
class ResidentMergeAdmin(EndingAdmin):
    """Residents counted as one person."""

    nothing_yet = _("No residents are merged. They are merged on the page of one of them.")
    list_display = ["member", "kept", "reason", "merged_by", "merged_at", "undone_at"]
    list_select_related = ["member", "kept"]
    raw_id_fields = ["member", "kept"]
    searches = [searches.resident("member_id", "kept_id")]
    ended_field = "undone_at"
    end = button(
        residents.undo_merge,
        _("Undo"),
        icon="undo",
        title=_("Count the two apart again"),
        description=_("What each has used stays on its own counters."),
        success=_("Undone."),
        form=BaseDialogForm,
        subject="merge",
        permission="end",
    )


@admin.register(Exclusion)
class ExclusionAdmin(EndingAdmin):
    """Residents kept out of a campaign, or of all."""

    nothing_yet = _("No resident is excluded. One is excluded on their own page.")
    list_display = ["resident", "campaign", "reason", "created_by", "created_at", "lifted_at"]
    list_select_related = ["resident", "campaign"]
    list_filter = [CAMPAIGN]
    raw_id_fields = ["resident"]
    searches = [searches.resident("resident_id")]
    ended_field = "lifted_at"
    ended_permission = "exclusion"
    end = button(
        residents.lift_exclusion,
        _("Lift"),
        icon="undo",
        title=_("Lift this exclusion"),
        description=_("The next run may reach the resident again."),
        success=_("Lifted."),
        form=BaseDialogForm,
        subject="exclusion",
        permission="end",
    )


@admin.register(Proxy)
class ProxyAdmin(EndingAdmin):
    """Who may hold and show whose vouchers."""

    nothing_yet = _("No proxy is declared. One is declared on the page of the voucher's holder.")
    list_display = ["holder", "proxy", "relation", "declared_at", "ended_at"]
    list_select_related = ["holder", "proxy"]
    raw_id_fields = ["holder", "proxy"]
    searches = [searches.resident("holder_id", "proxy_id")]
    ended_field = "ended_at"
    end = button(
        residents.record_proxy_ended,
        _("End"),
        icon="undo",
        title=_("End this declaration"),
        description=_("The proxy can't show the holder's vouchers any more."),
        success=_("Ended."),
        form=BaseDialogForm,
        subject="proxy",
        permission="end",
    )


@admin.register(Link)
class LinkAdmin(EndingAdmin):
    """Devices, phones, cards and accounts, by kind only."""

    nothing_yet = _("No device, phone, card or account is linked yet. Tills send them with orders.")
    list_display = ["resident", "kind", "first_seen_at", "last_seen_at", "ended_at"]
    list_select_related = ["resident"]
    searches = [searches.resident("resident_id")]
    fields = ["resident", "kind", "first_seen_at", "last_seen_at", "ended_at"]
    raw_id_fields = ["resident"]
    ended_field = "ended_at"
    end = button(
        residents.end_link,
        _("End"),
        icon="undo",
        title=_("End this link"),
        description=_("It does not count for the resident any more."),
        success=_("Ended."),
        form=BaseDialogForm,
        subject="link",
        permission="end",
    )
