"""Coloured labels of lists and pages: states, verdicts, deadlines.

Unfold renders two templates for each. A list of fifty rows has fifty, so these are written here, in
the same look.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

GREY: Final = "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200"
CLASSES: Final[Mapping[str, str]] = {
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
}
"""By what a label says about its row; anything else is grey."""

_SHAPE: Final = (
    '<span class="inline-block font-semibold rounded-default text-[11px] uppercase'
    ' whitespace-nowrap h-6 leading-6 px-2 {}">{}</span>'
)


def label(text: Any, meaning: str = "") -> SafeString:
    """A label; `meaning` is a key of CLASSES."""
    return format_html(_SHAPE, CLASSES.get(meaning, GREY), text)


def state_text(row: Any) -> str:
    """The state of a merchant, store or caller, with the local end of its suspension."""
    state = str(row.get_state_display())
    if row.suspended_until_at is None:
        return state
    until = date_format(localtime(row.suspended_until_at), "DATETIME_FORMAT")
    return _("%(state)s until %(until)s") % {"state": state, "until": until}


@display(description=gettext_lazy("test"), empty_value="–")
def test_label(row: Any) -> SafeString | None:
    """A column that marks what belongs to the sandbox; what is in earnest needs no mark."""
    return label(_("test"), "warning") if row.is_test else None


def labelled(
    description: Any, meanings: Mapping[Any, str], *, ordering: str | None = None
) -> Callable[[Callable[[Any, Any], tuple[Any, Any]]], Callable[[Any, Any], str]]:
    """Makes a column of a function that returns a key and a text: the text as a label, with the
    meaning that `meanings` has for the key."""

    def decorate(column: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], str]:
        @display(description=description, ordering=ordering)
        @wraps(column)
        def shown(self: Any, row: Any) -> str:
            key, text = column(self, row)
            return label(text, meanings.get(key, ""))

        return shown

    return decorate
