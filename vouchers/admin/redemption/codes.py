"""Pages of codes shown once, of papers, and of wrong codes."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from merchants.admin.base import said_once
from merchants.admin.labels import labelled
from merchants.errors import Refused
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, dialog
from vouchers.admin.faults import sentence
from vouchers.models import Paper, Presentation, Voucher
from vouchers.models.redemption.presentations import WRONG_CODE_KINDS
from vouchers.queries.limits.wrong_codes import MOST_SHOWN, wrong_codes_counted
from vouchers.rules.issuing.numbered_codes import PAPER, PRESENTED, grouped
from vouchers.rules.redemption.shown import PAPER_TRIES
from vouchers.services.redemption import forgive_wrong_codes, replace_paper
from vouchers.services.roles import area_of
from vouchers.states import WrongCodeKind


class OfVoucher(searches.ExactSearch, ReadOnlyAdmin):
    """Rows of a voucher, which is named by its number; its printed code is searched for but never
    shown."""

    search_help_text = _("Its own code, a voucher's code or number, or the holder's resident no.")

    @display(description=_("voucher"))
    def voucher_no(self, row: Paper | Presentation) -> str:
        return str(Voucher(pk=row.voucher_id))


class ReplaceForm(BaseDialogForm):
    """The identity number that the holder shows."""

    national_id = forms.CharField(
        label=_("Identity number of the holder"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


@admin.register(Paper)
class PaperAdmin(OfVoucher, ReadOnlyAdmin):
    """Vouchers on paper. A lost one is replaced here, with the holder's identity number."""

    nothing_yet = _("No voucher is on paper yet. Channels ask for a paper on behalf of its holder.")
    list_display = ["row_no", "voucher_no", "holder", "standing", "wrong_count", "issued_at"]
    list_select_related = ["holder"]
    searches = [searches.shown_code(PAPER), searches.voucher("voucher_id"), searches.holder]
    fields = [
        "row_no",
        "voucher_no",
        "holder",
        "standing",
        "wrong_count",
        "issued_at",
        "replaced_at",
    ]
    readonly_fields = ["voucher_no", "standing"]
    actions_detail = ["replace"]

    @labelled(_("state"), {"good": "success", "locked": "danger", "replaced": "warning"})
    def standing(self, paper: Paper) -> tuple[str, Any]:
        if paper.replaced_at is not None:
            return "replaced", _("replaced")
        if paper.wrong_count >= PAPER_TRIES:
            return "locked", _("locked after wrong tries")
        return "good", _("good")

    def is_offered(self, act: str, row: Paper) -> bool:
        """Only the last paper of a voucher is replaced."""
        return row.replaced_at is None

    def has_replace_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "vouchers.change_paper", object_id)

    @action(
        description=_("Replace"),
        icon="print",
        permissions=["replace"],
        dialog=dialog(
            _("Replace a lost paper"), _("The old paper stops working at once."), ReplaceForm
        ),
    )
    def replace(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        by: Any = request.user
        try:
            made = replace_paper(
                paper=get_object_or_404(Paper, pk=object_id),
                national_id=form.cleaned_data["national_id"],
                by=by,
                at=timezone.now(),
            )
        except Refused as refused:
            return said_once(sentence(refused.refusal, get_language() or "en"))
        return said_once(
            _("A new paper has been made; the one before it is void. Its code, shown this once:"),
            grouped(made.code),
        )


class ForgiveForm(forms.Form):
    """Whose wrong codes are forgotten, and why."""

    kind = forms.TypedChoiceField(choices=WRONG_CODE_KINDS, coerce=int)
    subject_id = forms.IntegerField(min_value=1)
    reason = forms.CharField(min_length=4, max_length=200)


@admin.register(Presentation)
class PresentationAdmin(OfVoucher):
    """Codes that apps have shown; those that redeemed nothing are forgotten after a day. Beside the
    list the page of wrong codes, whose table Django's admin cannot list."""

    nothing_yet = _(
        "No code has been shown yet. Channels ask for one when a resident opens a voucher."
    )
    list_display = [
        "row_no",
        "voucher_no",
        "shown_by",
        "presented_at",
        "expires_at",
        "redemption_id",
    ]
    list_select_related = ["shown_by"]
    searches = [searches.shown_code(PRESENTED), searches.voucher("voucher_id"), searches.holder]
    fields = list_display
    readonly_fields = ["voucher_no"]

    def get_urls(self) -> list[URLPattern]:
        """With the address of wrong codes."""
        page = path(
            "wrong-codes/",
            self.admin_site.admin_view(self.wrong_codes),
            name="vouchers_wrongcodes_counted",
        )
        return [page, *super().get_urls()]

    def wrong_codes(self, request: HttpRequest) -> HttpResponse:
        """Who sent wrong codes in this hour; a posted form forgives those of one."""
        user: Any = request.user
        if not area_of(user, "vouchers.view_wrongcodes", at=timezone.now()).is_city:
            raise PermissionDenied
        if request.method == "POST":
            return _forgiven(request)
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Wrong codes"),
            "rows": [
                {**row._asdict(), "counts": dict(WRONG_CODE_KINDS)[row.kind.value]}
                for row in wrong_codes_counted(at=now, free=settings.HUIMIN_WRONG_CODES)
            ],
            "may_forgive": request.user.has_perm("vouchers.delete_wrongcodes"),
            "most": MOST_SHOWN,
        }
        return TemplateResponse(request, "vouchers/wrong_codes.html", context)


def _forgiven(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("vouchers.delete_wrongcodes"):
        raise PermissionDenied
    assert isinstance(request.user, User)
    form = ForgiveForm(request.POST)
    if form.is_valid():
        count = forgive_wrong_codes(
            kind=WrongCodeKind(form.cleaned_data["kind"]),
            subject_id=form.cleaned_data["subject_id"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            at=timezone.now(),
        )
        said = ngettext("%(count)s wrong code forgiven.", "%(count)s wrong codes forgiven.", count)
        messages.success(request, said % {"count": count})
    else:
        messages.error(request, gettext("Say why, in 4 characters or more."))
    return HttpResponseRedirect(reverse("admin:vouchers_wrongcodes_counted"))
