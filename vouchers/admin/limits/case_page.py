"""What the page of a case shows: tables in words, and figures with their numbers beneath."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.admin.labels import state_text
from merchants.models import Merchant, State
from vouchers.admin.history.acts import told
from vouchers.admin.hotline import masked
from vouchers.admin.limits.case_words import DONE, became, noticed
from vouchers.admin.words import instant
from vouchers.figures import Item, Shape, Spot, Tie, Words, area_map, link_graph, step_line
from vouchers.models import Case
from vouchers.money import yuan
from vouchers.queries.limits.cases import CaseFile

MOST_NODES: Final = 12
"""People, stores and devices drawn of a case; the table beneath has more."""


def page_of(case: Case, file: CaseFile, about: str, *, at: datetime) -> dict[str, Any]:
    """The context of the page's template, beside its forms."""
    zone = ZoneInfo(case.campaign.zone)
    return {
        "case": case,
        "about": about,
        "rule": case.get_kind_display(),
        "cards": _cards(case, file),
        "opened": _minute(case.opened_at, zone),
        "deadline": _minute(case.deadline_at, zone),
        "decided": case.decided_at and _minute(case.decided_at, zone),
        "shown": len(file.members),
        "signals": [
            {
                "at": instant(member.signal.raised_at, zone),
                "store": member.signal.store.name,
                "order_no": member.signal.order_no,
                "noticed": noticed(member.signal),
                "done": DONE.get(member.signal.verdict, member.signal.verdict),
                "became": became(member),
                "redemption": member.redemption,
            }
            for member in file.members
        ],
        "map": _map(file),
        "places": [
            {
                **place._asdict(),
                "subsidy": yuan(place.subsidy_fen),
                "state": state_text(place.store),
                "merchant": _merchant(place.store.merchant),
            }
            for place in file.places
        ],
        "graph": _graph(file),
        "usual": _usual(case, file),
        "others": _others(file),
        "log": [
            {
                "at": instant(line.action_time, zone),
                "by": line.user.get_username(),
                "what": told(line, zone),
            }
            for line in file.log
        ],
    }


def _merchant(merchant: Merchant) -> str:
    """With its state where that closes the store too."""
    is_active = merchant.state == State.ACTIVE
    return merchant.name if is_active else f"{merchant.name} ({state_text(merchant)})"


def _cards(case: Case, file: CaseFile) -> list[tuple[str, str, str]]:
    money = file.money
    signals = ngettext("%(count)s signal", "%(count)s signals", case.signal_count)
    return [
        (_("Held"), yuan(money.held_fen), _("waits for the decision")),
        (_("Owed, not held"), yuan(money.owed_fen), _("the next settlement pays it")),
        (_("Settled"), yuan(money.settled_fen), _("a decision does not change it")),
        (
            _("Noticed"),
            f"{case.signal_count:,}",
            (signals % {"count": case.signal_count})
            + " · "
            + _("%(amount)s undone") % {"amount": yuan(money.undone_fen)},
        ),
    ]


def _map(file: CaseFile) -> SafeString | None:
    """The stores in their districts; where vouchers were shown is kept nowhere, only how far that
    was. One store without a district's boundary around it would be a dot on nothing."""
    known = [place for place in file.places if place.longitude_deg is not None]
    districts = {place.store.district_id: place.store.district for place in known}
    shapes = [
        Shape(district.name, district.boundary, None)
        for district in districts.values()
        if district is not None and district.boundary
    ]
    if len(known) < 2 and not (known and shapes):
        return None
    most = max(place.signals for place in known)
    spots = [
        Spot(
            f"{place.store.name}: {place.signals:,}",
            place.longitude_deg or 0.0,
            place.latitude_deg or 0.0,
            place.signals / most,
        )
        for place in known
    ]
    words = Words(
        _("Stores of the case"),
        _(
            "Dots are stores in their districts, the larger the more was noticed there."
            " Positions of people are not kept."
        ),
        (),
        "",
    )
    return _drawn(area_map("case-map", words, shapes, spots))


def _graph(file: CaseFile) -> SafeString | None:
    """People are numbered and masked: the numbers tell them apart, not who they are."""
    if not file.ties:
        return None
    people = {tie.resident: "" for tie in file.ties}
    for number, resident in enumerate(people, 1):
        people[resident] = f"{number} · {masked(resident)}"
    devices = {tie.device: masked(tie.device) for tie in file.ties}
    ties = [
        Tie(people[tie.resident], tie.store, devices[tie.device], tie.redemptions)
        for tie in file.ties
    ]
    rows = [(tie.left, tie.middle, tie.right or "–", f"{tie.weight:,}") for tie in ties]
    words = Words(
        _("Who redeemed where, and with which device"),
        _("People: %(people)s · stores: %(stores)s · devices: %(devices)s")
        % {
            "people": len(people),
            "stores": len({tie.store for tie in file.ties}),
            "devices": len({device for device in devices if device}),
        },
        (_("person"), _("store"), _("device"), _("redemptions")),
        _("numbers"),
    )
    return _drawn(link_graph("case-graph", words, _first(ties), rows))


def _first(ties: list[Tie]) -> list[Tie]:
    """Those with which no column has more nodes than can be told apart."""
    kept: list[Tie] = []
    for tie in ties:
        with_it = [*kept, tie]
        columns = zip(*((one.left, one.middle, one.right) for one in with_it), strict=True)
        if all(len(set(column)) <= MOST_NODES for column in columns):
            kept = with_it
    return kept


def _usual(case: Case, file: CaseFile) -> SafeString:
    usual = file.usual
    items = [
        Item(
            date_format(day.day, "m-d"),
            day.redemptions,
            f"{day.redemptions:,} · {yuan(day.subsidy_fen)}",
        )
        for day in usual.days
    ]
    title = _("%(store)s day by day: %(last)s on the day of the case, median %(median)s") % {
        "store": case.store.name,
        "last": f"{usual.days[-1].redemptions:,}",
        "median": f"{usual.median:g}",
    }
    words = Words(title, title, (_("day"), _("redemptions and subsidy")), _("numbers"))
    return _drawn(step_line("case-days", words, items))


def _others(file: CaseFile) -> str:
    return _(
        "The median of %(count)s other stores of the campaign is %(median)s redemptions a day."
    ) % {"count": file.usual.others, "median": f"{file.usual.others_median:.1f}"}


def _minute(at: datetime, zone: ZoneInfo) -> str:
    return date_format(at.astimezone(zone), "Y-m-d H:i")


def _drawn(figure: str) -> SafeString:
    """Figures escape every text they are given."""
    return mark_safe(figure)  # noqa: S308
