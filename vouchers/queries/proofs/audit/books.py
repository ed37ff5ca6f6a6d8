"""The checks of sums, in the order of the invariants, each with the statement it proves."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop as _

from vouchers.models import QuotaCell
from vouchers.queries.proofs.audit import sums as sums
from vouchers.rules.proofs.audit import acts as acts
from vouchers.rules.proofs.audit import books as books
from vouchers.rules.proofs.audit import ties as ties
from vouchers.rules.proofs.audit.acts import Cap, Proposed, Terms
from vouchers.rules.proofs.audit.facts import Books, Row

Slice = frozenset[tuple[str, str]]
"""Of a cell: the dimensions it names, by the codes people use."""


class Facts(NamedTuple):
    """The sums of the books, and the documents that people approved."""

    books: Books
    proposals: list[Proposed]
    terms: list[Terms]
    caps: dict[int, Cap]


class BookCheck(NamedTuple):
    """A check on sums."""

    invariant: int
    name: str
    statement: str
    broken: Callable[[Facts], Iterator[Row]]


def read() -> Facts:
    """Everything the checks of sums judge, in the transaction that is open."""
    versions = sums.terms()
    documents = {version.id: version.document for version in versions}
    return Facts(sums.books(), sums.proposals(), versions, _approved_caps(documents))


def _approved_caps(documents: Mapping[int, Mapping[str, Any]]) -> dict[int, Cap]:
    """By cell of a launched campaign its caps in the terms in force. They state what was approved
    before the launch; later changes are proposals. A cell they don't name may hold nothing."""
    launched = QuotaCell.objects.exclude(campaign__state__in=["draft", "submitted"])
    said: dict[int, dict[Slice, Cap]] = {}
    found = {}
    for row in launched.select_related("campaign", "tier", "round", "store__merchant", "source"):
        terms_id = row.campaign.terms_id or 0
        if terms_id not in said:
            said[terms_id] = _caps_of(documents.get(terms_id, {}))
        found[row.pk] = said[terms_id].get(_slice_of(row), (0, 0))
    return found


def _caps_of(document: Mapping[str, Any]) -> dict[Slice, Cap]:
    return {
        frozenset(cell["slice"].items()): (cell["cap_fen"], cell["cap_count"])
        for cell in document.get("cells", [])
    }


def _slice_of(cell: QuotaCell) -> Slice:
    parts: dict[str, Any] = {
        "tier": cell.tier and cell.tier.code,
        "round": cell.round and cell.round.number,
        "district": cell.district_id,
        "merchant": cell.store and cell.store.merchant.code,
        "store": cell.store and cell.store.external_id,
        "source": cell.source and cell.source.code,
        "channel": cell.channel,
        "day": cell.day and cell.day.isoformat(),
    }
    return frozenset((name, str(value)) for name, value in parts.items() if value is not None)


def _of_books(broken: Callable[[Books], Iterator[Row]]) -> Callable[[Facts], Iterator[Row]]:
    return lambda facts: broken(facts.books)


BOOK_CHECKS = (
    BookCheck(
        1,
        "budget_identity",
        _("per source, appropriated is the sum of all other accounts, and none is negative"),
        _of_books(books.budget_identity),
    ),
    BookCheck(
        1,
        "allocation_identity",
        _("per source and allocation, what left free money is somewhere else, never below zero"),
        _of_books(books.allocation_identity),
    ),
    BookCheck(
        1,
        "appropriated_figure",
        _("a source's appropriated figure is what its account says"),
        _of_books(books.appropriated_figure),
    ),
    BookCheck(
        1,
        "cell_headroom",
        _("every quota cell's headroom is its cap minus what counts in it, and not negative"),
        _of_books(books.cell_headroom),
    ),
    BookCheck(
        1,
        "caps_approved",
        _("every quota cell has the caps that were approved last"),
        lambda facts: acts.caps_approved(facts.books, facts.proposals, facts.caps),
    ),
    BookCheck(
        1,
        "proposals_decided",
        _("proposals were decided by another person, on the document as it is"),
        lambda facts: acts.proposals_decided(facts.proposals),
    ),
    BookCheck(
        1,
        "proposals_done",
        _("approved proposals posted what their documents say, and nothing else did"),
        lambda facts: acts.proposals_done(facts.books, facts.proposals),
    ),
    BookCheck(
        3,
        "money_arrows",
        _("money moved only between accounts its reason allows, for a cause of its kind"),
        _of_books(books.money_arrows),
    ),
    BookCheck(
        4,
        "distribution_posted",
        _("runs reserved and shards minted or released exactly the faces of their vouchers"),
        _of_books(acts.distribution_posted),
    ),
    BookCheck(
        4,
        "expired_once",
        _("only expired tranches gave money back, once for each of their allocations"),
        _of_books(acts.expired_once),
    ),
    BookCheck(
        4,
        "sources_own",
        _("what was appropriated in a draft is on the accounts of the source it names"),
        _of_books(acts.sources_own),
    ),
    BookCheck(
        4,
        "reserved_tie",
        _("the face of vouchers waiting in shards is the reserved account"),
        _of_books(ties.reserved_tie),
    ),
    BookCheck(
        4,
        "outstanding_tie",
        _("the face of vouchers in people's hands is the outstanding account"),
        _of_books(ties.outstanding_tie),
    ),
    BookCheck(
        4,
        "authorised_tie",
        _("authorised redemptions are the authorised account"),
        _of_books(ties.authorised_tie),
    ),
    BookCheck(
        4,
        "payable_tie",
        _("redemptions captured, not refunded and not paid are the payable and held accounts"),
        _of_books(ties.payable_tie),
    ),
    BookCheck(
        4,
        "held_tie",
        _("what is left of redemptions under an open hold is the held account"),
        _of_books(ties.held_tie),
    ),
    BookCheck(
        4,
        "settled_tie",
        _("the lines of paid settlements, less what became recoverable, are the settled account"),
        _of_books(ties.settled_tie),
    ),
    BookCheck(
        4,
        "recoverable_tie",
        _("what merchants owe, less what was kept back or collected, is the recoverable account"),
        _of_books(ties.recoverable_tie),
    ),
    BookCheck(
        5,
        "split_follows_shares",
        _("a discount below the face is split as the face is, by largest remainder"),
        _of_books(books.split_follows_shares),
    ),
    BookCheck(
        6,
        "tranche_holds",
        _("every tranche holds as many vouchers as it says, numbered without a gap"),
        _of_books(books.tranche_holds),
    ),
    BookCheck(
        6,
        "voucher_allocations",
        _("vouchers count in an allocation of their own campaign and tier"),
        _of_books(books.voucher_allocations),
    ),
    BookCheck(
        6,
        "terms_hashed",
        _("the terms' document has the hash that was approved"),
        lambda facts: acts.terms_hashed(facts.terms),
    ),
    BookCheck(
        6,
        "amendments_widen",
        _("amendments only extend: later ends, longer validity, higher limits, more stores"),
        lambda facts: acts.amendments_widen(facts.terms),
    ),
)
