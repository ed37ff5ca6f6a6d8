"""What others have edited of a draft meanwhile, in the reader's language."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext_lazy

from vouchers.models import Campaign, CampaignEdit


class Told(NamedTuple):
    """An edit as the page lists it."""

    at: datetime
    who: str
    what: str


FORMS: Final[tuple[tuple[re.Pattern[str], Any], ...]] = tuple(
    (re.compile(form), words)
    for form, words in (
        (r"campaign", gettext_lazy("options of the campaign")),
        (r"tier (?P<code>\S+) deleted", gettext_lazy("tier %(code)s taken away")),
        (r"tier (?P<code>\S+)", gettext_lazy("tier %(code)s changed")),
        (r"source (?P<code>\S+)", gettext_lazy("source %(code)s changed")),
        (r"appropriation (?P<code>\S+)", gettext_lazy("money of source %(code)s")),
        (r"fit counts", gettext_lazy("numbers of vouchers made to fit")),
        (r"fit budget", gettext_lazy("budget made to fit")),
        (r"(?P<count>\d+) stores", gettext_lazy("%(count)s stores added")),
        (r"(?P<count>\d+) weekly rounds", gettext_lazy("%(count)s weekly rounds")),
    )
)
"""What services note of an edit, beside the parts that it touched."""


def told(edits: Iterable[CampaignEdit]) -> Iterator[Told]:
    """The edits in words, in their order."""
    for edit in edits:
        what = ", ".join(map(_in_words, edit.what.split(", ")))
        yield Told(edit.at, edit.user.get_username(), what)


def _in_words(touched: str) -> str:
    """A form of `FORMS`, or a part of the terms by the name of its rows; else as it was noted."""
    for form, words in FORMS:
        if found := form.fullmatch(touched):
            return str(words) % found.groupdict()
    try:
        relation: Any = Campaign._meta.get_field(touched)
    except FieldDoesNotExist:
        return touched
    return str(relation.related_model._meta.verbose_name_plural)
