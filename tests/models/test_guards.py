"""Every guard of the database refuses, by name, what it is there to refuse; even the owner's hand.

A guard added later must be given a statement that breaks it (`breaking.py`): the last tests compare
with the catalogue of the database.
"""

from collections.abc import Iterable
from enum import Enum
from itertools import product
from typing import Any

import pytest
from django.db import connection

from tests.models.breaking import (
    DRAFT,
    again,
    constraints,
    decision,
    guard_that_refuses,
    of_proposal,
    triggers,
    unknowns,
)
from vouchers.states import (
    CAMPAIGN_ARROWS,
    REDEMPTION_ARROWS,
    RUN_ARROWS,
    VOUCHER_ARROWS,
    CampaignState,
    RedemptionState,
    RunState,
    SettlementState,
    ShardState,
    TrancheState,
    VoucherState,
)

pytestmark = pytest.mark.usefixtures("book")

# Entries in these are never changed and never leave, not by their owner either.
BOOKS = {
    "merchants_storelocation": "store_location",
    "vouchers_account": "account",
    "vouchers_approval": "approval",
    "vouchers_attempt": "attempt",
    "vouchers_audiencemember": "audience",
    "vouchers_auditreport": "audit_report",
    "vouchers_campaignedit": "edit",
    "vouchers_cashreceipt": "receipt",
    "vouchers_collection": "collection",
    "vouchers_collectionline": "collection_line",
    "vouchers_leg": "leg",
    "vouchers_proposal": "proposal",
    "vouchers_proposaldecision": "proposal_decision",
    "vouchers_refund": "refund",
    "vouchers_refundpart": "refund_part",
    "vouchers_requestrecord": "request",
    "vouchers_seal": "seal",
    "vouchers_settlementline": "settlement_line",
    "vouchers_signal": "signal",
    "vouchers_termsversion": "terms",
    "vouchers_transfer": "transfer",
}
# Rows of these change, but none ever leaves.
LASTING = {
    "vouchers_capcounter": "cap_counter",
    "vouchers_hold": "hold",
    "vouchers_quotabucket": "quota_bucket",
    "vouchers_redemption": "redemption",
    "vouchers_settlement": "settlement",
    "vouchers_tranche": "tranche",
}
PARTITIONED = ("vouchers_transfer", "vouchers_leg", "vouchers_attempt")
MONTH = "_202604"
# (bucket, id) cannot repeat where the primary key, id, does not.
IMPLIED = {"resident_by_bucket"}


def rows(query: str, *parameters: Any) -> list[Any]:
    """The first column of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [row[0] for row in cursor.fetchall()]


def wrong(cases: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The guard that should have refused, and what did."""
    answers = [(name, guard_that_refuses(statements)) for name, statements in cases]
    return [(name, answer) for name, answer in answers if answer != name]


def test_every_constraint_refuses_what_breaks_it() -> None:
    assert wrong([*constraints().items(), *unknowns()]) == []


def test_every_trigger_refuses_what_breaks_it() -> None:
    assert wrong(triggers().items()) == []


class TestBooks:
    """Books are added to, and that is all."""

    def test_no_entry_is_changed_or_taken_out(self) -> None:
        for table, name in BOOKS.items():
            column = rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", table
            )[0]
            assert rows(f"SELECT count(*) FROM {table}") != [0], f"{table} is empty"
            update = f"UPDATE {table} SET {column} = {column}"
            guards = {guard_that_refuses(it) for it in (update, f"DELETE FROM {table}")}
            assert guards == {f"{name}_append_only"}

    @pytest.mark.parametrize("parent", PARTITIONED)
    def test_nor_behind_the_back_of_the_parent(self, parent: str) -> None:
        month = parent + MONTH
        assert rows(f"SELECT count(*) FROM {month}") != [0]
        update = f"UPDATE {month} SET at = at + interval '1 second'"
        guards = {guard_that_refuses(it) for it in (update, f"DELETE FROM {month}")}
        assert guards == {f"{BOOKS[parent]}_append_only"}
        assert guard_that_refuses(f"TRUNCATE {month}") == "truncate"
        assert guard_that_refuses(f"TRUNCATE {parent}_rest") == "truncate"

    def test_no_book_is_emptied(self) -> None:
        emptied = {table: guard_that_refuses(f"TRUNCATE {table} CASCADE") for table in BOOKS}
        assert emptied == {table: f"{BOOKS[table]}_no_truncate" for table in emptied}

    def test_one_command_for_all_of_them_changes_nothing(self) -> None:
        guard = guard_that_refuses(f"TRUNCATE {', '.join(BOOKS)} CASCADE")
        assert guard.endswith("_no_truncate")


class TestLastingRows:
    """Rows that change with their thing, and stay."""

    def test_none_is_taken_out(self) -> None:
        for table in LASTING:
            assert rows(f"SELECT count(*) FROM {table}") != [0], f"{table} is empty"
        deleted = {table: guard_that_refuses(f"DELETE FROM {table}") for table in LASTING}
        assert deleted == {table: f"{name}_not_deleted" for table, name in LASTING.items()}

    def test_none_of_the_tables_is_emptied(self) -> None:
        for table, name in LASTING.items():
            # CASCADE would run into a book's own guard first.
            guard = guard_that_refuses(f"TRUNCATE ONLY {table} CASCADE")
            assert guard.endswith("_no_truncate")
            assert rows(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass"
                " AND tgname ~ %s AND tgenabled = 'O'",
                table,
                f"^pgtrigger_{name}_no_truncate_",
            ) == [1]


class TestLegs:
    """A transfer's legs sum to zero for each source, on accounts of its own campaign."""

    def post(self, *legs: tuple[str, int], reason: str = "reserve", cause: str = "run") -> str:
        """A new transfer of the running campaign with legs of (account, fen)."""
        lines = ", ".join(f"({n}, ({account}), {fen})" for n, (account, fen) in enumerate(legs, 1))
        return (
            "WITH made AS (INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause,"
            " cause_id) SELECT nextval('vouchers_transfer_id_seq'), '2026-04-01 04:00Z', id,"
            f" '{reason}', '{cause}', 1 FROM vouchers_campaign WHERE code = 'spring-2026'"
            " RETURNING id, at)"
            " INSERT INTO vouchers_leg (transfer_id, line_no, at, account_id, amount_fen)"
            " SELECT made.id, line.no, made.at, line.account, line.fen"
            f" FROM made, (VALUES {lines}) AS line(no, account, fen)"
        )

    def account(self, source: str, kind: str, campaign: str = "spring-2026") -> str:
        return (
            "SELECT a.id FROM vouchers_account a"
            " JOIN vouchers_fundingsource s ON s.id = a.source_id"
            " JOIN vouchers_campaign c ON c.id = a.campaign_id"
            f" WHERE s.code = '{source}' AND a.kind = '{kind}' AND c.code = '{campaign}'"
        )

    def refuses(self, *legs: tuple[str, int]) -> bool:
        return guard_that_refuses(self.post(*legs)) == "legs_balance"

    def test_a_balanced_transfer_is_taken(self) -> None:
        free, reserved = self.account("city", "free"), self.account("city", "reserved")
        assert guard_that_refuses(self.post((free, -5), (reserved, 5))).startswith("nothing")

    def test_a_fen_too_many_is_refused(self) -> None:
        free, reserved = self.account("city", "free"), self.account("city", "reserved")
        assert self.refuses((free, -5), (reserved, 6))

    def test_a_leg_alone_is_refused(self) -> None:
        assert self.refuses((self.account("city", "free"), 5))

    def test_one_source_does_not_pay_for_another(self) -> None:
        assert self.refuses((self.account("city", "free"), -5), (self.account("group", "free"), 5))

    def test_an_account_of_another_campaign_is_refused(self) -> None:
        ours, theirs = self.account("city", "free"), self.account("city", "free", "draft")
        assert self.refuses((ours, -5), (theirs, 5))
        assert self.refuses((theirs, -5), (self.account("city", "reserved", "draft"), 5))

    def test_an_account_that_is_none_is_refused(self) -> None:
        assert self.refuses(("SELECT 999999999", -5), ("SELECT 999999999", 5))

    def test_a_reason_moves_money_between_its_own_accounts_only(self) -> None:
        free, payable = self.account("city", "free"), self.account("city", "payable")
        made = self.post((free, -5), (payable, 5))
        assert guard_that_refuses(made) == "money_arrows"
        back = self.post((self.account("city", "reserved"), -5), (free, 5))
        assert guard_that_refuses(back) == "money_arrows"
        # Out of one account the reason knows and into another, but not one into the other.
        assert guard_that_refuses(self.post((free, 5), (free, -5))) == "money_arrows"

    def test_nothing_is_added_to_a_transfer_of_another_transaction(self) -> None:
        """`xid` is what tells them apart, and nobody chooses it."""
        free, reserved = self.account("city", "free"), self.account("city", "reserved")
        late = (
            "INSERT INTO vouchers_leg (transfer_id, line_no, at, account_id, amount_fen)"
            " SELECT t.id, line.no, t.at, line.account, line.fen FROM (SELECT id, at"
            "  FROM vouchers_transfer WHERE reason = 'reserve' AND xid <> pg_current_xact_id()"
            f"  LIMIT 1) AS t, (VALUES (98, ({free}), -5), (99, ({reserved}), 5))"
            " AS line(no, account, fen)"
        )
        written_before = (
            "ALTER TABLE vouchers_transfer DISABLE TRIGGER USER;"
            "UPDATE vouchers_transfer SET xid = '7' WHERE reason = 'reserve';"
            "ALTER TABLE vouchers_transfer ENABLE TRIGGER USER;"
        )
        assert guard_that_refuses(written_before + late) == "legs_balance"

    def test_legs_of_no_transfer_are_refused(self) -> None:
        statement = again("vouchers_leg", line_no="1", transfer_id="999999999")
        assert guard_that_refuses(statement) == "legs_balance"


class TestArrows:
    """A state changes along its arrows and not otherwise."""

    @pytest.mark.parametrize(
        ("table", "states", "arrows", "guard"),
        [
            ("vouchers_voucher", VoucherState, VOUCHER_ARROWS, "voucher_arrows"),
            ("vouchers_redemption", RedemptionState, REDEMPTION_ARROWS, "redemption_arrows"),
            ("vouchers_campaign", CampaignState, CAMPAIGN_ARROWS, "campaign_arrows"),
            ("vouchers_run", RunState, RUN_ARROWS, "run_arrows"),
            (
                "vouchers_tranche",
                TrancheState,
                {(TrancheState.OUTSTANDING, TrancheState.EXPIRED)},
                "tranche_arrows",
            ),
            (
                "vouchers_settlement",
                SettlementState,
                {(SettlementState.READY, SettlementState.PAID)},
                "settlement_arrows",
            ),
            (
                "vouchers_shard",
                ShardState,
                {
                    (ShardState.WAITING, ShardState.LEASED),
                    (ShardState.LEASED, ShardState.WAITING),
                    (ShardState.LEASED, ShardState.DONE),
                },
                "shard_arrows",
            ),
        ],
    )
    def test_every_arrow_and_no_other(
        self, table: str, states: type[Enum], arrows: set[tuple[Enum, Enum]], guard: str
    ) -> None:
        # One that is not settled, which would be another guard's business, and may be authorised.
        where = "state = 1" if table == "vouchers_redemption" else "true"
        (row,) = rows(f"SELECT id FROM {table} WHERE {where} ORDER BY state DESC, id LIMIT 1")
        for old, new in product(states, states):
            if old is new:
                continue
            statements = (
                "SET CONSTRAINTS ALL IMMEDIATE;"
                f"ALTER TABLE {table} DISABLE TRIGGER USER;"
                f"UPDATE {table} SET state = '{old.value}' WHERE id = {row};"
                f"ALTER TABLE {table} ENABLE TRIGGER USER;"
                f"UPDATE {table} SET state = '{new.value}' WHERE id = {row};"
                "DO $$ BEGIN RAISE EXCEPTION 'taken back' USING ERRCODE = 'P0002'; END $$"
            )
            is_arrow = (old, new) in arrows
            assert guard_that_refuses(statements) == ("P0002 taken back" if is_arrow else guard)


class TestTranches:
    """What was promised at issue stands; a tranche holds exactly the vouchers it says."""

    def test_no_term_is_changed_after_issue(self) -> None:
        changes = {
            "campaign_id": f"{2**31}",
            "tier_id": "tier_id + 1",
            "terms_id": "terms_id + 1",
            "shard_id": "NULL",
            "voucher_count": "voucher_count + 1",
            "kind": "'flat'",
            "face_fen": "face_fen - 1",
            "threshold_fen": "threshold_fen + 1",
            "threshold_basis": "'pre_discount'",
            "percent_bp": "100",
            "split": "'[]'",
            "valid_from_at": "valid_from_at + interval '1 day'",
        }
        for column, value in changes.items():
            statement = f"UPDATE vouchers_tranche SET {column} = {value}"
            assert guard_that_refuses(statement) == "tranche_terms_frozen", column

    def test_validity_may_be_extended(self) -> None:
        later = "UPDATE vouchers_tranche SET valid_until_at = valid_until_at + interval '1 day'"
        assert guard_that_refuses(later).startswith("nothing")

    @pytest.mark.parametrize(
        ("rows_in_it", "is_taken"),
        [
            ("generate_series(0, 2) AS n, 1", True),
            ("generate_series(0, 1) AS n, 1", False),
            ("generate_series(0, 3) AS n, 1", False),
            ("generate_series(1, 3) AS n, 1", False),
            ("generate_series(0, 4, 2) AS n, 1", False),
            ("generate_series(0, 2, 2) AS n, 1", False),
            ("generate_series(0, 2) AS n, 3", False),
        ],
        ids=["exact", "too few", "too many", "from one", "with gaps", "a hole", "used already"],
    )
    def test_a_table_is_attached_only_if_it_is_exact(self, rows_in_it: str, is_taken: bool) -> None:
        series, state = rows_in_it.rsplit(", ", 1)
        with connection.cursor() as cursor:
            cursor.execute(again("vouchers_tranche", shard_id="NULL", voucher_count="3", id="777"))
            cursor.execute("SELECT huimin_open_tranche(777)")
            cursor.execute(
                "INSERT INTO vouchers_voucher_t000777 (id, resident_id, allocation_id, bucket,"
                f" state) SELECT (777::bigint << 20) + n, 1, 1, 0, {state} FROM {series}"
            )
        guard = guard_that_refuses("SELECT huimin_attach_tranche(777)")
        expected = "nothing refused it (1 rows)" if is_taken else "tranche_holds_what_it_promises"
        assert guard == expected
        assert rows("SELECT count(*) FROM vouchers_voucher WHERE id >> 20 = 777") == [
            3 if is_taken else 0
        ]

    def test_no_tranche_is_attached_without_its_row(self) -> None:
        statements = "SELECT huimin_open_tranche(888); SELECT huimin_attach_tranche(888)"
        assert guard_that_refuses(statements).startswith("P0002")

    def test_the_guards_of_vouchers_hold_in_a_tranches_own_table(self) -> None:
        (table,) = rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'vouchers_voucher'::regclass"
            " ORDER BY inhrelid LIMIT 1"
        )
        moved = f"UPDATE {table} SET resident_id = resident_id + 1"
        assert guard_that_refuses(moved) == "voucher_identity_frozen"
        jumped = f"UPDATE {table} SET state = CASE state WHEN 3 THEN 2 ELSE 0 END"
        assert guard_that_refuses(jumped) == "voucher_arrows"


def test_an_approver_sees_what_they_approve() -> None:
    """Approval binds to the hash of the terms."""
    statement = again(
        "vouchers_approval",
        approver_id="(SELECT max(id) + 1 FROM auth_user)",
        seen_sha256=r"'\x00'",
    )
    assert guard_that_refuses(statement) == "approval_of_what_was_seen"


class TestProposals:
    """Somebody else approves what they have seen; only then does money move."""

    LI = "(SELECT id FROM auth_user WHERE username = 'li')"

    def test_a_yes_is_to_what_was_seen(self) -> None:
        assert guard_that_refuses(decision(decided_by_id=self.LI)).startswith("nothing")
        unseen = decision(decided_by_id=self.LI, seen_sha256=r"'\x00'")
        assert guard_that_refuses(unseen) == "decision_of_what_was_seen"

    @pytest.mark.parametrize("answer", ["undecided", "rejected"])
    def test_nothing_is_posted_without_a_yes(self, answer: str) -> None:
        assert guard_that_refuses(of_proposal("approved")).startswith("nothing")
        assert guard_that_refuses(of_proposal(answer)) == "proposal_was_approved"

    def test_a_yes_is_good_for_its_own_campaign(self) -> None:
        elsewhere = of_proposal("approved", campaign=DRAFT)
        assert guard_that_refuses(elsewhere) == "proposal_was_approved"


def test_a_voucher_undone_and_used_again_is_not_used_twice() -> None:
    """Only live redemptions count: the voided one does not stand in the way, a second live one
    does."""
    voided = "(SELECT voucher_id FROM vouchers_redemption WHERE state = 3)"
    first = again("vouchers_redemption", f"voucher_id = {voided}", state="2", order_no="'1st'")
    second = again("vouchers_redemption", f"voucher_id = {voided}", state="1", order_no="'2nd'")
    assert guard_that_refuses(first).startswith("nothing")
    assert guard_that_refuses(f"{first}; {second}") == "voucher_redeems_once"


class TestComplete:
    """No guard is left that nothing here tries to break."""

    OURS = "relname ~ '^(merchants|vouchers)_' AND NOT relispartition"

    def test_of_constraints(self) -> None:
        """But for those Django makes of a field's type (`…_check`, `…_key`, `…_uniq`)."""
        found = rows(
            "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
            f" WHERE contype IN ('c', 'u') AND {self.OURS}"
            " UNION SELECT i.relname FROM pg_index"
            " JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid"
            " WHERE indisunique AND NOT indisprimary AND t.relname ~ '^(merchants|vouchers)_'"
            "   AND NOT t.relispartition"
        )
        named = {name for name in found if not name.endswith(("_check", "_key", "_uniq"))}
        assert named - IMPLIED == set(constraints())

    def test_of_triggers(self) -> None:
        found = rows(
            "SELECT substring(tgname FROM '^pgtrigger_(.*)_[0-9a-f]{5}$') FROM pg_trigger"
            f" JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND {self.OURS}"
        )
        shared = ("_append_only", "_not_deleted", "_no_truncate")
        assert {it for it in found if not it.endswith(shared)} == set(triggers())
        for suffix, tables in (
            ("_append_only", BOOKS),
            ("_not_deleted", LASTING),
            ("_no_truncate", BOOKS | LASTING),
        ):
            guarded = {it.removesuffix(suffix) for it in found if it.endswith(suffix)}
            assert guarded == set(tables.values())

    def test_every_book_and_every_month_of_one_refuses_to_be_emptied(self) -> None:
        unguarded = rows(
            "SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p')"
            " AND (relname = ANY (%s) OR relname ~ '^vouchers_(transfer|leg|attempt)_')"
            " AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid"
            "                 AND (tgname ~ 'no_truncate') AND tgenabled <> 'D')",
            list(BOOKS | LASTING),
        )
        assert unguarded == []
