"""How far a distribution run is, in words: for its page and for the command that watches it."""

from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from vouchers.queries.issuing import Progress, TargetingProgress


def progress_text(progress: Progress) -> str:
    """`1,200,000 of 3,000,000 vouchers · 81,000/s · done at 10:12:30`, as far as it is known; while
    the audience is found, the same of its parts and residents."""
    if progress.targeting:
        return _targeting_text(progress.targeting, is_paused=progress.is_paused)
    if not progress.vouchers_total:
        return "–"
    parts = [
        gettext("%(done)s of %(total)s vouchers")
        % {"done": f"{progress.vouchers_done:,}", "total": f"{progress.vouchers_total:,}"}
    ]
    if progress.vouchers_per_s:
        parts.append(gettext("%s a second") % f"{progress.vouchers_per_s:,.0f}")
    if progress.is_paused:
        parts.append(gettext("paused"))
    elif progress.done_at:
        parts.append(gettext("done at %s") % time_format(localtime(progress.done_at), "H:i:s"))
    return " · ".join(parts)


def _targeting_text(found: TargetingProgress, *, is_paused: bool) -> str:
    parts = [
        gettext("%(done)s of %(total)s parts of the residents")
        % {"done": f"{found.parts_done:,}", "total": f"{found.parts_total:,}"}
    ]
    if found.residents_per_s:
        parts.append(gettext("%s residents a second") % f"{found.residents_per_s:,.0f}")
    if is_paused:
        parts.append(gettext("paused"))
    elif found.done_at:
        found_at = time_format(localtime(found.done_at), "H:i:s")
        parts.append(gettext("audience found at %s") % found_at)
    return " · ".join(parts)
