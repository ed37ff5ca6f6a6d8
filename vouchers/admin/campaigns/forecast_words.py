"""A forecast in words: days by which something happens, and why there is no figure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.admin.campaigns.overview import Table, count_text
from vouchers.figures import Band, Words, band_line
from vouchers.money import yuan
from vouchers.rules.campaigns.fairness import DistrictShare, Figure, Missing, StoreLoad
from vouchers.rules.campaigns.forecast import Between, Forecast, Plan
from vouchers.rules.campaigns.rates import Rate

STORES_SHOWN: Final = 20
MOST_ROWS: Final = 60
"""Of the table beneath the burn-down; a longer campaign leaves days out."""
MISSING: Final[Mapping[Missing, Any]] = {
    Missing.FEW: gettext_lazy("– (fewer than 10)"),
    Missing.NO_CENSUS: gettext_lazy("– (no census)"),
    Missing.NOT_ON_FILE: gettext_lazy("– (not on file)"),
    Missing.NO_STORE: gettext_lazy("– (no store)"),
}


def day_text(first: date, day: int | None) -> str:
    """A day of the campaign, or that it does not come."""
    if day is None:
        return _("not before the end")
    return date_format(first + timedelta(days=day), "Y-m-d")


def when(first: date, found: Between) -> str:
    """In half of the plays, and in 95 of 100, as one text."""
    if found.p50 == found.p95:
        return day_text(first, found.p50)
    return _("%(half)s (p50), %(most)s (p95)") % {
        "half": day_text(first, found.p50),
        "most": day_text(first, found.p95),
    }


def cards(plan: Plan, found: Forecast, first: date) -> list[tuple[str, str, str]]:
    """(title, figure, what stands below it)."""
    low_fen, high_fen = found.likely_fen
    span = _("in nine cases of ten %(low)s to %(high)s") % {
        "low": whole_yuan(low_fen),
        "high": whole_yuan(high_fen),
    }
    return [
        (_("Expected to be used"), whole_yuan(found.used_fen), span),
        (
            _("Left over at the end"),
            whole_yuan(plan.budget_fen - found.used_fen),
            _("of %s appropriated") % whole_yuan(plan.budget_fen),
        ),
        (
            _("Nothing left to hand out"),
            day_text(first, found.handed_out.p50),
            _below(first, found.handed_out),
        ),
        (_("Used up"), day_text(first, found.used_up.p50), _below(first, found.used_up)),
    ]


def _below(first: date, found: Between) -> str:
    if found.p50 is None:
        return _("p50 and p95")
    return _("p50; p95: %s") % day_text(first, found.p95)


def burn_down(plan: Plan, found: Forecast, first: date) -> SafeString:
    """What is left by the end of each day, as a line in its band."""
    points = [(_("start"), (plan.budget_fen,) * 3)]
    points += [(day_text(first, day), left) for day, left in enumerate(found.left_fen)]
    step = -(-len(points) // MOST_ROWS)
    kept = [*points[::step], *([points[-1]] if (len(points) - 1) % step else [])]
    rows = [(label, *map(yuan, left)) for label, left in kept]
    words = Words(
        title=_("What is left of the money by the end of each day"),
        description=_("It falls from %(all)s to about %(left)s.")
        % {"all": yuan(plan.budget_fen), "left": yuan(found.left_fen[-1][1])},
        heads=(_("day"), _("least (p5)"), _("middle (p50)"), _("most (p95)")),
        numbers=_("Numbers"),
    )
    bands = [Band(label, *left) for label, left in points]
    # The figure's own module escapes what it writes.
    drawn = band_line("burn", words, bands, yuan(plan.budget_fen), rows)
    return mark_safe(drawn)  # noqa: S308


def tiers_table(found: Forecast, rates: Mapping[str, Rate], names: Mapping[str, str]) -> Table:
    """Vouchers and cost by tier."""
    rows = [
        [
            names[tier.code],
            f"{100 * rates[tier.code].used:.1f} %",
            f"{tier.issued:,}",
            f"{tier.used:,}",
            yuan(tier.cost_fen),
        ]
        for tier in found.tiers
    ]
    return {
        "is_figures": True,
        "headers": [_("tier"), _("rate"), _("issued"), _("used"), _("cost")],
        "rows": [*rows, [_("sum"), "", "", f"{found.used:,}", yuan(found.used_fen)]],
    }


def sources_table(found: Forecast, sources: Iterable[tuple[str, str, int]]) -> Table:
    """Cost by source, given (code, name, appropriated)."""
    rows = [
        [
            name,
            yuan(appropriated_fen),
            yuan(found.by_source.get(code, 0)),
            yuan(appropriated_fen - found.by_source.get(code, 0)),
        ]
        for code, name, appropriated_fen in sources
    ]
    return {
        "is_figures": True,
        "headers": [_("source"), _("appropriated"), _("cost"), _("left over")],
        "rows": [*rows, [_("sum"), "", yuan(found.used_fen), ""]],
    }


def stores_table(loads: Sequence[StoreLoad], names: Mapping[int, str]) -> Table | None:
    """The busiest stores, and the others in one row; None without any."""
    if not loads:
        return None
    rows = [
        [
            names[load.store_id],
            f"{load.people:,}",
            f"{load.used:,}",
            f"{load.a_day:,.1f}",
            f"{load.busiest:,.0f}",
        ]
        for load in loads[:STORES_SHOWN]
    ]
    others = loads[STORES_SHOWN:]
    if others:
        rows.append(
            [
                _("%s other stores") % f"{len(others):,}",
                f"{sum(load.people for load in others):,}",
                f"{sum(load.used for load in others):,}",
                f"{sum(load.a_day for load in others):,.1f}",
                "",
            ]
        )
    return {
        "is_figures": True,
        "headers": [
            _("store"),
            _("people it is nearest to"),
            _("vouchers in all"),
            _("a day"),
            _("busiest day"),
        ],
        "rows": rows,
    }


def fairness_table(rows: Sequence[DistrictShare], names: Mapping[int, str]) -> Table:
    """Districts against the census."""
    return {
        "is_figures": True,
        "headers": [
            _("district"),
            _("people reached"),
            _("of the census"),
            _("money"),
            _("per resident"),
            _("60 and older"),
            _("with hukou"),
            _("without hukou"),
            _("at small shops"),
        ],
        "rows": [
            [
                names.get(row.adcode, _("unknown")),
                count_text(row.people),
                _share(row.reached),
                _fen(row.money_fen),
                _fen(row.each_fen),
                _share(row.seniors),
                _share(row.registered),
                _share(row.unregistered),
                _share(row.small_shops),
            ]
            for row in rows
        ],
    }


def spread_text(rows: Sequence[DistrictShare], names: Mapping[int, str]) -> str:
    """How far districts are apart in money per resident; empty for fewer than two."""
    known = [
        (row.each_fen, names.get(row.adcode, ""))
        for row in rows
        if not isinstance(row.each_fen, Missing)
    ]
    if len(known) < 2:
        return ""
    (least, poorest), (most, richest) = min(known), max(known)
    return _(
        "Per resident of the census from %(least)s (%(poorest)s) to %(most)s (%(richest)s)."
    ) % {
        "least": yuan(round(least)),
        "poorest": poorest,
        "most": yuan(round(most)),
        "richest": richest,
    }


def _share(figure: Figure) -> str:
    return str(MISSING[figure]) if isinstance(figure, Missing) else f"{100 * figure:.1f} %"


def _fen(figure: Figure) -> str:
    return str(MISSING[figure]) if isinstance(figure, Missing) else yuan(round(figure))


def whole_yuan(fen: int) -> str:
    """An amount that is not sure to the fen."""
    return f"¥{round(fen / 100):,}"
