"""Every guard of the database refuses, by name, what it is there to refuse; even the owner's hand.

A guard added later must be given a statement that breaks it (`tests/support/violations`): the last
tests compare with the catalogue of the database.
"""

from collections.abc import Iterable
from enum import Enum
from itertools import product

import pytest
from django.db import connection

from tests.support.violations import every_constraint, every_trigger
from tests.support.violations.constraints import (
    UNMINTED,
    again,
    guard_that_refuses,
    rows,
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
    "vouchers_allocation": "allocation",
    "vouchers_approval": "approval",
    "vouchers_attempt": "attempt",
    "vouchers_audiencemember": "audience",
    "vouchers_auditreport": "audit_report",
    "vouchers_campaignedit": "edit",
    "vouchers_previewcount": "preview_count",
    "vouchers_claim": "claim",
    "vouchers_casesignal": "case_signal",
    "vouchers_cashreceipt": "receipt",
    "vouchers_collection": "collection",
    "vouchers_collectionline": "collection_line",
    "vouchers_leg": "leg",
    "vouchers_proposal": "proposal",
    "vouchers_proposaldecision": "proposal_decision",
    "vouchers_proposalsignature": "proposal_signature",
    "vouchers_refund": "refund",
    "vouchers_refundpart": "refund_part",
    "vouchers_requestarchive": "request_archive",
    "vouchers_requestrecord": "request",
    "vouchers_riskversion": "risk_version",
    "vouchers_rolechange": "role_change",
    "vouchers_seal": "seal",
    "vouchers_settlementline": "settlement_line",
    "vouchers_setupchange": "setup_change",
    "vouchers_signal": "signal",
    "vouchers_standingchange": "standing_change",
    "vouchers_targeting": "targeting",
    "vouchers_termsversion": "terms",
    "vouchers_transfer": "transfer",
    "vouchers_webhookdelivery": "webhook_delivery",
}
# Rows of these change, but none ever leaves.
LASTING = {
    "vouchers_backtest": "back_test",
    "vouchers_case": "case",
    "vouchers_grant": "grant",
    "vouchers_limitcounter": "limit_counter",
    "vouchers_hold": "hold",
    "vouchers_paper": "paper",
    "vouchers_quotabucket": "quota_bucket",
    "vouchers_redemption": "redemption",
    "vouchers_resident": "resident",
    "vouchers_residentsnapshot": "resident_snapshot",
    "vouchers_risktally": "risk_tally",
    "vouchers_run": "run",
    "vouchers_settlement": "settlement",
    "vouchers_shard": "shard",
    "vouchers_targetingpart": "targeting_part",
    "vouchers_tranche": "tranche",
    "vouchers_voucher": "voucher",
    "vouchers_webhookendpoint": "webhook_endpoint",
}
# Rows of these leave one by one, by rules of their own.
LEAVING = {"vouchers_orderclaim": "order_claim", "vouchers_outbox": "outbox"}
# Rows of this book leave when a file holds them.
ARCHIVED = {"vouchers_requestrecord": "request_archived_first"}
PARTITIONED = ("vouchers_transfer", "vouchers_leg", "vouchers_attempt")
HASHED = {
    "vouchers_redemption": "redemption_not_deleted",
    "vouchers_orderclaim": "order_claim_of_undone",
    **ARCHIVED,
}
MONTH = "_202604"
# What these triggers do, write into a resident who of them changed, is tried with the snapshots.
DATING = "_dated"
# (bucket, id) cannot repeat where the primary key, id, does not.
IMPLIED = {"resident_by_bucket"}


def wrong(cases: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The guard that should have refused, and what did."""
    answers = [(name, guard_that_refuses(statements)) for name, statements in cases]
    return [(name, answer) for name, answer in answers if answer != name]


def test_every_constraint_refuses_what_breaks_it() -> None:
    assert wrong([*every_constraint().items(), *unknowns()]) == []


def test_every_trigger_refuses_what_breaks_it() -> None:
    assert wrong(every_trigger().items()) == []


class TestBooks:
    """Books are added to, and that is all."""

    def test_no_entry_is_changed_or_taken_out(self) -> None:
        for table, name in BOOKS.items():
            column = rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", table
            )[0]
            assert rows(f"SELECT count(*) FROM {table}") != [0], f"{table} is empty"
            update = f"UPDATE {table} SET {column} = {column}"
            append_only = f"{name}_append_only"
            assert guard_that_refuses(update) == append_only
            guard = guard_that_refuses(f"DELETE FROM {table}")
            assert guard == ARCHIVED.get(table, append_only)

    @pytest.mark.parametrize("parent", HASHED)
    def test_a_hash_partition_can_not_be_changed_directly(self, parent: str) -> None:
        (row,) = rows(f"SELECT tableoid::regclass::text FROM {parent} LIMIT 1")
        claims = " WHERE redemption_id IS NOT NULL" if parent == "vouchers_orderclaim" else ""
        guards = {guard_that_refuses(f"DELETE FROM {it}{claims}") for it in (parent, row)}
        assert guards == {HASHED[parent]}
        partitions = rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            parent,
        )
        assert {guard_that_refuses(f"TRUNCATE {it} CASCADE") for it in partitions} == {"truncate"}

    @pytest.mark.parametrize("parent", PARTITIONED)
    def test_a_partition_can_not_be_changed_directly(self, parent: str) -> None:
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
        for table, name in (LASTING | LEAVING).items():
            # CASCADE may run into the guard of another table first.
            assert guard_that_refuses(f"TRUNCATE {table} CASCADE").endswith("truncate")
            assert rows(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass"
                " AND tgname ~ %s AND tgenabled = 'O'",
                table,
                f"^pgtrigger_{name}_no_truncate_",
            ) == [1]


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
            (
                "vouchers_targetingpart",
                ShardState,
                {
                    (ShardState.WAITING, ShardState.LEASED),
                    (ShardState.LEASED, ShardState.WAITING),
                    (ShardState.LEASED, ShardState.DONE),
                },
                "targeting_part_arrows",
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
                "SET CONSTRAINTS ALL DEFERRED;"
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
            "shard_id": UNMINTED,
            "round_id": "1",
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
            fresh = again("vouchers_tranche", shard_id=UNMINTED, voucher_count="3", id="777")
            cursor.execute(fresh)
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

    def test_a_shard_makes_one_tranche(self) -> None:
        """Were it minted twice, its people would have twice what was reserved for them."""
        second = again("vouchers_tranche", id="778")
        assert guard_that_refuses(second) == "vouchers_tranche_shard_id_key"

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
        assert named - IMPLIED == set(every_constraint())

    def test_of_triggers(self) -> None:
        found = rows(
            "SELECT substring(tgname FROM '^pgtrigger_(.*)_[0-9a-f]{5}$') FROM pg_trigger"
            f" JOIN pg_class ON pg_class.oid = tgrelid WHERE tgname ~ '^pgtrigger_' AND {self.OURS}"
        )
        shared = ("_append_only", "_not_deleted", "_no_truncate")
        guards = {it for it in found if not it.endswith((*shared, DATING))}
        assert guards == set(every_trigger())
        for suffix, tables in (
            ("_append_only", BOOKS),
            ("_not_deleted", LASTING),
            ("_no_truncate", BOOKS | LASTING | LEAVING),
        ):
            guarded = {it.removesuffix(suffix) for it in found if it.endswith(suffix)}
            assert guarded == set(tables.values())

    def test_every_book_and_every_month_of_one_refuses_to_be_emptied(self) -> None:
        unguarded = rows(
            "SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p')"
            " AND (relname = ANY (%s)"
            "      OR relname ~ '^vouchers_(transfer|leg|attempt)_|^vouchers_voucher_t'"
            "      OR relname ~ '^vouchers_(redemption|orderclaim|requestrecord)_p\\d\\d$')"
            " AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid"
            "                 AND (tgname ~ 'no_truncate') AND tgenabled <> 'D')",
            list(BOOKS | LASTING | LEAVING),
        )
        assert unguarded == []
