"""What each source owes each merchant, and a file whose bytes never change."""

import csv
import io
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from vouchers.money import split_pro_rata
from vouchers.rules.settlement import (
    COLUMNS,
    Captured,
    Draft,
    Heading,
    Line,
    Owed,
    file_of,
    missing_fen,
    share_out,
)

CITY, GROUP = 1, 2
CAFE, BAKERY = 7, 8
HEADING = Heading("sha", "spring", date(2026, 3, 2), "M-CAFE", "city", "Asia/Shanghai")


def captured(
    redemption_id: int = 1,
    *,
    merchant_id: int = CAFE,
    split: tuple[tuple[int, int], ...] = ((CITY, 1500), (GROUP, 500)),
    order_no: str = "A-1",
) -> Captured:
    return Captured(
        redemption_id=redemption_id,
        voucher_id=1 << 20,
        merchant_id=merchant_id,
        store_no="S-001",
        order_no=order_no,
        order_amount_fen=12_345,
        discount_fen=sum(fen for _, fen in split),
        split=split,
        business_day=date(2026, 3, 2),
        redeemed_at=datetime(2026, 3, 2, 4, 5, 6, 789_000, tzinfo=UTC),
    )


def owed(refund_id: int, owed_fen: int, *, source_id: int = CITY, merchant_id: int = CAFE) -> Owed:
    return Owed(
        refund_id=refund_id,
        refund_no=f"R-{refund_id}",
        business_day=date(2026, 3, 5),
        source_id=source_id,
        owed_fen=owed_fen,
        captured=captured(100 + refund_id, merchant_id=merchant_id),
    )


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_each_merchant_and_source_gets_a_draft_of_its_own() -> None:
    drafts = share_out([captured(2, merchant_id=BAKERY), captured(1)])
    assert [(draft.merchant_id, draft.source_id, draft.total_fen) for draft in drafts] == [
        (CAFE, CITY, 1500),
        (CAFE, GROUP, 500),
        (BAKERY, CITY, 1500),
        (BAKERY, GROUP, 500),
    ]


def test_a_source_that_pays_nothing_of_a_redemption_has_no_line() -> None:
    (draft,) = share_out([captured(split=((CITY, 2000), (GROUP, 0)))])
    assert (draft.source_id, len(draft.lines)) == (CITY, 1)


def test_the_order_of_arrival_does_not_change_the_drafts() -> None:
    rows = [captured(number) for number in (5, 3, 9)]
    assert share_out(rows) == share_out(reversed(rows))


def test_the_file_is_these_very_bytes() -> None:
    (draft, _) = share_out([captured()])
    assert file_of(draft, HEADING) == (
        b"campaign,settlement_day,merchant,source,line_no,kind,redemption_id,refund_no,business_day,"
        b"redeemed_at,store,order_no,order_amount_fen,discount_fen,amount_fen,amount_yuan,cell\n"
        b"spring,2026-03-02,M-CAFE,city,1,redemption,1,0,2026-03-02,"
        b"2026-03-02T12:05:06.789+08:00,S-001,A-1,12345,2000,1500,15.00,sha\n"
    )


def test_an_order_number_with_commas_quotes_and_line_breaks_comes_back_whole() -> None:
    order_no = '甲,"乙"\n丙'
    (draft,) = share_out([captured(split=((CITY, 1),), order_no=order_no)])
    (row,) = read(file_of(draft, HEADING))
    assert row["order_no"] == order_no
    assert row["amount_yuan"] == "0.01"


def test_an_order_number_that_looks_like_a_formula_is_made_text() -> None:
    (draft,) = share_out([captured(split=((CITY, 1),), order_no="=HYPERLINK(A1)")])
    (row,) = read(file_of(draft, HEADING))
    assert row["order_no"] == "'=HYPERLINK(A1)"


def test_amounts_kept_back_are_numbers_and_not_text() -> None:
    lines = (Line(captured(), 123_456), Line(captured(), -5), Line(captured(), 0))
    rows = read(file_of(Draft(1, CITY, lines), HEADING))
    assert [row["amount_yuan"] for row in rows] == ["1234.56", "-0.05", "0.00"]
    assert [row["amount_fen"] for row in rows] == ["123456", "-5", "0"]


@given(
    faces=st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    weights=st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(any),
)
def test_no_fen_is_lost_between_redemptions_drafts_and_files(
    faces: list[int], weights: list[int]
) -> None:
    rows = [
        captured(number, split=tuple(enumerate(split_pro_rata(face, weights), 1)))
        for number, face in enumerate(faces, 1)
    ]
    drafts = share_out(rows)
    files = [read(file_of(draft, HEADING)) for draft in drafts]
    assert sum(draft.total_fen for draft in drafts) == sum(faces)
    assert sum(int(row["amount_fen"]) for file in files for row in file) == sum(faces)
    assert all(tuple(row) == COLUMNS for file in files for row in file)


def test_what_a_merchant_owes_is_kept_back_the_oldest_refund_first() -> None:
    city, group = share_out([captured(1)], [owed(3, 900), owed(2, 800)])
    assert [(line.refund and line.refund.refund_no, line.amount_fen) for line in city.lines] == [
        (None, 1500),
        ("R-2", -800),
        ("R-3", -700),
    ]
    assert (city.total_fen, group.total_fen) == (0, 500)


def test_who_is_owed_nothing_by_a_source_waits_with_what_they_owe_it() -> None:
    assert share_out([], [owed(1, 5)]) == []
    only_group = captured(split=((CITY, 0), (GROUP, 500)))
    assert [draft.total_fen for draft in share_out([only_group], [owed(1, 5)])] == [500]
    assert [d.total_fen for d in share_out([captured()], [owed(1, 5, merchant_id=BAKERY)])] == [
        1500,
        500,
    ]


def test_a_refunds_line_names_it_and_is_negative() -> None:
    (draft, _) = share_out([captured()], [owed(2, 105)])
    _, row = read(file_of(draft, HEADING))
    assert (row["kind"], row["redemption_id"], row["refund_no"]) == ("refund", "102", "R-2")
    assert (row["business_day"], row["amount_fen"], row["amount_yuan"]) == (
        "2026-03-05",
        "-105",
        "-1.05",
    )


@given(
    shares=st.lists(st.integers(0, 10**6), max_size=8),
    debts=st.lists(st.integers(1, 10**6), max_size=8),
)
def test_as_much_is_kept_back_as_is_owed_and_paid(shares: list[int], debts: list[int]) -> None:
    rows = [captured(n, split=((CITY, fen),)) for n, fen in enumerate(shares, 1)]
    drafts = share_out(rows, [owed(n, fen) for n, fen in enumerate(debts, 1)])
    paid_fen, owed_fen = sum(shares), sum(debts)
    assert sum(draft.total_fen for draft in drafts) == max(0, paid_fen - owed_fen)
    kept = [-line.amount_fen for draft in drafts for line in draft.lines if line.refund]
    assert sum(kept) == min(paid_fen, owed_fen)
    # All but the last are kept back whole.
    assert kept[:-1] == debts[: len(kept)][:-1]


def test_what_is_missing_is_never_negative() -> None:
    assert missing_fen(cash_fen=100, owed_fen=130) == 30
    assert missing_fen(cash_fen=130, owed_fen=130) == 0
    assert missing_fen(cash_fen=131, owed_fen=130) == 0
