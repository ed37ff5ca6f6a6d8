"""Until when something is stopped, as forms ask for it (in words, or a time that is typed) and as
pages say it.
"""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.formats import date_format
from django.utils.timezone import make_aware, make_naive
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from vouchers.models import Campaign
from vouchers.rules.campaigns.stops import StopEnd, end_at, judge_end

ENDS: Final = [
    (StopEnd.LIFTED.value, _("until it is lifted")),
    (StopEnd.TODAY.value, _("until the end of today")),
    (StopEnd.DAY.value, _("for 24 hours")),
    (StopEnd.WEEK.value, _("for 7 days")),
    (StopEnd.AT.value, _("until the time below")),
]


def campaign_state(campaign: Campaign) -> str:
    """A campaign's state, with the end of its pause in its own local time."""
    state = str(campaign.get_state_display())
    if campaign.paused_until_at is None:
        return state
    until_at = campaign.paused_until_at.astimezone(ZoneInfo(campaign.zone))
    until = date_format(until_at, "DATETIME_FORMAT")
    return gettext("%(state)s until %(until)s") % {"state": state, "until": until}


def until_field(widget: type[forms.Select]) -> forms.ChoiceField:
    """The choice, to be called `until`."""
    return forms.ChoiceField(label=_("How long"), choices=ENDS, widget=widget)


def until_at_field(widget: type[forms.TextInput]) -> forms.DateTimeField:
    """The time that goes with the last choice, to be called `until_at`."""
    return forms.DateTimeField(
        label=_("Until (local time)"),
        required=False,
        widget=widget(attrs={"type": "datetime-local"}),
    )


def read_end(form: Any, *, at: datetime, zone: ZoneInfo) -> None:
    """Put what was chosen into the form's `until_at`, an instant or None: of a zone, as of `at`
    there. Called by `clean`; what does not fit stands beside its field."""
    given = form.cleaned_data
    if "until" not in given or "until_at" not in given:
        return
    end, typed = StopEnd(given.pop("until")), given["until_at"]
    if end is StopEnd.AT and typed is None:
        form.add_error("until_at", _("Say until when."))
    elif end is not StopEnd.AT and typed is not None:
        form.add_error("until", _("A time is given as well: choose it here, or leave it out."))
    else:
        typed = typed and make_aware(make_naive(typed), zone)
        given["until_at"] = end_at(end, at=at, zone=zone, given=typed)
        if judge_end(given["until_at"], at=at):
            form.add_error("until_at", _("This time has passed."))
