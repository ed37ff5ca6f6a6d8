"""The board and the alerts as HTML: the page and the stream show the same markup."""

from collections.abc import Sequence
from typing import Any, Final

import redis
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.figures import Item, Words, bars, spark_line
from vouchers.http.base_map import BaseMap
from vouchers.http.refusal_names import refusal_name
from vouchers.http.stops import campaign_state
from vouchers.models.limits.risk import RISK_KINDS, RISK_VERDICTS, hold_reason
from vouchers.money import yuan
from vouchers.pages.budget import as_html, cash_figure, identity_figure
from vouchers.pages.live.places import district_html, rows_of
from vouchers.queries.live.alerts import Alert, Cursor
from vouchers.queries.live.board import Board, PlaceRow
from vouchers.queries.live.places import DistrictUse
from vouchers.queries.live.stops import Stopped
from vouchers.services.valkey import Valkey

VALKEY: Final = Valkey(answer_s=0.2, without="the live screen does not show its queue")
TROUBLES: Final = {
    "identity": gettext_lazy("A budget does not add up: stop the campaign and call the auditor."),
    "audit": gettext_lazy("The last audit found rows that break a rule."),
    "alerts": gettext_lazy("Many live risk rules have struck within ten minutes."),
    "shards": gettext_lazy("Minting stands still: a worker has not finished what it took."),
    "workers": gettext_lazy("Work waits and no worker is there: call the operator."),
    "messages": gettext_lazy("Messages to callers have waited for more than ten minutes."),
}


def valkey_waiting() -> int | None:
    """Wake-ups that no worker has taken yet; None when Valkey does not answer."""
    return VALKEY.ask(_waiting, otherwise=None)


def _waiting(client: "redis.Redis") -> int | None:
    return int(client.llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def board_html(
    board: Board, *, wake_ups: int | None, language: str, opened: DistrictUse | None = None
) -> str:
    """Everything but the alerts, in one language; with a district's tables if one is opened, which
    only the page itself has: a script asks for them by themselves."""
    with translation.override(language):
        troubles = [TROUBLES[name] for name in board.troubles]
        context: dict[str, Any] = {
            "board": board,
            "state": _state(board),
            "troubles": troubles,
            "wake_ups": wake_ups,
            "cards": _cards(board),
            "spark": as_html(spark_line("spark", _spark_words(board), board.rates.by_minute)),
            "campaigns": [
                (
                    money,
                    campaign_state(money.campaign),
                    [
                        (
                            identity_figure(f"identity-{money.campaign.pk}-{number}", row),
                            cash_figure(f"cash-{money.campaign.pk}-{number}", cash),
                        )
                        for number, (row, cash) in enumerate(
                            zip(money.identity, money.cash, strict=True)
                        )
                    ],
                )
                for money in board.campaigns
            ],
            "refusals": _refusals(board),
            "stores": _places("stores", _("Stores today"), board.stores),
            "districts": rows_of(board.districts),
            "district": opened and opened.district,
            "district_tables": district_html(opened) if opened else "",
            "tiles": BaseMap.of_settings(),
            "approval_no": settings.HUIMIN_MAP_APPROVAL_NO,
        }
        return render_to_string("vouchers/live/board.html", context)


def alert_html(alert: Alert, *, language: str) -> str:
    """One line of the list of alerts."""
    with translation.override(language):
        context = {
            "alert": alert,
            "what": _what(alert),
            "verdict": dict(RISK_VERDICTS).get(alert.verdict, ""),
        }
        return render_to_string("vouchers/live/alert.html", context)


def stopped_rows(stopped: Sequence[Stopped]) -> list[dict[str, str]]:
    """What is stopped, in words, each with its page in the admin."""
    return [
        {
            "kind": str(it.row._meta.verbose_name),
            "name": str(it.row),
            "address": reverse(
                f"admin:{it.row._meta.app_label}_{it.row._meta.model_name}_change", args=[it.row.pk]
            ),
            "until": date_format(it.until_at, "m-d H:i") if it.until_at else _("it is lifted"),
        }
        for it in stopped
    ]


def cursor_text(cursor: Cursor) -> str:
    """A cursor as an event's id."""
    return f"{cursor.signal_id}.{cursor.hold_id}"


def cursor_of(text: str) -> Cursor | None:
    """The cursor in an event's id; None for anything else."""
    parts = text.split(".")
    if len(parts) != len(Cursor._fields) or not all(
        part.isascii() and part.isdigit() and len(part) < len(str(2**63)) for part in parts
    ):
        return None
    return Cursor(*map(int, parts))


def _state(board: Board) -> tuple[str, str]:
    """(name for the colour, in words)."""
    if board.troubles:
        return "emergency", _("Emergency")
    if board.is_campaign_day:
        return "campaign-day", _("Campaign day")
    return "everyday", _("Everyday")


def _cards(board: Board) -> list[tuple[str, str, str]]:
    rates = board.rates
    leverage = rates.today_orders_fen / rates.today_fen if rates.today_fen else 0.0
    issued = (_("Issued a minute"), f"{rates.issued:,}", _("in the last 60 seconds"))
    return [
        (_("Redeemed a minute"), f"{rates.redeemed:,}", _("in the last 60 seconds")),
        *([issued] if board.is_city else []),
        (_("Refused a minute"), f"{rates.refused:,}", _("in the last 60 seconds")),
        (_("Redeemed today"), f"{rates.today_count:,}", yuan(rates.today_fen)),
        (_("Orders today"), yuan(rates.today_orders_fen), _("leverage ×%.1f") % leverage),
    ]


def _spark_words(board: Board) -> Words:
    most = max(board.rates.by_minute, default=0)
    title = _("Redemptions by minute, the last hour")
    return Words(title, _("At most %(most)s a minute.") % {"most": f"{most:,}"}, (), "")


def _refusals(board: Board) -> SafeString | None:
    if not board.refusals:
        return None
    items = [
        Item(refusal_name(code), count, f"{count:,}", "refused") for code, count in board.refusals
    ]
    title = _("Refusals by reason, the last hour")
    return as_html(
        bars("refusals", Words(title, title, (_("reason"), _("times")), _("numbers")), items)
    )


def _places(name: str, title: str, rows: Sequence[PlaceRow]) -> SafeString | None:
    if not rows:
        return None
    items = [
        Item(
            row.label or _("unknown"),
            row.discount_fen,
            f"{yuan(row.discount_fen)} · {row.vouchers:,}",
        )
        for row in rows
    ]
    words = Words(title, title, (_("place"), _("subsidy and vouchers")), _("numbers"))
    return as_html(bars(name, words, items))


def _what(alert: Alert) -> str:
    if not alert.kind:
        return _("Money held: %(reason)s") % {"reason": hold_reason(alert.reason)}
    return str(dict(RISK_KINDS).get(alert.kind, alert.kind))
