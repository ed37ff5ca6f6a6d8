"""Slices of the budget in words: which vouchers a quota counts."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from vouchers.http.explanations import district_name


def slice_text(
    named: Mapping[str, str],
    *,
    tiers: Mapping[str, str],
    sources: Mapping[str, str],
    stores: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """The dimensions of a document's slice by the names that people know: those of tiers and
    sources by their codes, those of stores by merchant and number; without a name its number."""
    parts = []
    if "tier" in named:
        parts.append(_("tier “%s”") % tiers.get(named["tier"], named["tier"]))
    if "round" in named:
        parts.append(_("round %s") % named["round"])
    if "district" in named:
        parts.append(_("residents of %s") % district_name(named["district"]))
    if "store" in named:
        number = f"{named['merchant']}/{named['store']}"
        name = (stores or {}).get((named["merchant"], named["store"]))
        parts.append(_("store %s") % (f"{name} ({number})" if name else number))
    if "source" in named:
        parts.append(_("money of %s") % sources.get(named["source"], named["source"]))
    if "channel" in named:
        parts.append(_("channel %s") % named["channel"])
    if "day" in named:
        parts.append(_("the day %s") % named["day"])
    return _(", ").join(parts) or _("the whole campaign")
