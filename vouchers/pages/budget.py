"""The money of one source as figures, for the live screen and the report."""

from typing import Final

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from vouchers.figures import Item, Words, stacked_bar
from vouchers.models.ledger.transfers import ACCOUNT_KINDS
from vouchers.money import yuan
from vouchers.queries.ledger.balances import IdentityRow
from vouchers.queries.settlement import SourcePayouts
from vouchers.states import AccountKind

PARTS: Final = [kind for kind in AccountKind if kind != AccountKind.APPROPRIATED]


def identity_figure(name: str, row: IdentityRow) -> SafeString:
    """Where the source's money is; `name` is the figure's own on its page."""
    names = dict(ACCOUNT_KINDS)
    items = [
        Item(str(names[kind.value]), row.parts_fen[kind], yuan(row.parts_fen[kind]), kind.value)
        for kind in PARTS
    ]
    whole = yuan(row.appropriated_fen)
    words = Words(
        f"{row.name} · {_('appropriated')} {whole}",
        _("Where the %(whole)s of %(source)s are now.") % {"whole": whole, "source": row.name},
        (_("account"), _("amount")),
        _("numbers"),
    )
    return as_html(stacked_bar(name, words, items))


def cash_figure(name: str, row: SourcePayouts) -> SafeString:
    """The cash received from a source: paid out, waiting, left; and what waits for cash still to
    come."""
    flows = [
        (_("payouts instructed"), row.paid_fen, "settled"),
        (_("waits for payout"), row.waiting_fen - row.missing_fen, "payable"),
        (_("waits for cash"), row.missing_fen, "risk_held"),
        (_("not needed yet"), row.cash_fen + row.missing_fen - row.owed_fen, "free"),
    ]
    words = Words(
        f"{_('cash received')} {yuan(row.cash_fen)}",
        _("Cash received from %(source)s, paid out to merchants, and settled but not paid yet.")
        % {"source": row.source},
        (_("flow"), _("amount")),
        _("numbers"),
    )
    items = [Item(label, fen, yuan(fen), kind) for label, fen, kind in flows]
    return as_html(stacked_bar(name, words, items))


def as_html(figure: str) -> SafeString:
    """A figure of `vouchers.figures` as safe markup: that module escapes every text it is given."""
    return mark_safe(figure)  # noqa: S308
