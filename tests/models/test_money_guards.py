"""What the books refuse beyond one statement per guard: the ways one would try to make a fen
appear, or vanish.
"""

import re

import pytest

from tests.support.violations.constraints import AT_COMMIT, DRAFT, again, guard_that_refuses, rows
from tests.support.violations.money import GROUP, HELD, decision, of_proposal
from vouchers.models.ledger.transfers import LEG_ARROWS
from vouchers.states import (
    CAMPAIGN_ARROWS,
    CAUSES,
    MONEY_ARROWS,
    REDEMPTION_ARROWS,
    RUN_ARROWS,
    VOUCHER_ARROWS,
    TransferReason,
)

pytestmark = pytest.mark.usefixtures("book")


class TestLegs:
    """A transfer's legs sum to zero for each source and allocation, on accounts of its campaign."""

    CAUSE = "(SELECT id FROM vouchers_proposal WHERE request_id = 'approved')"
    SLICES = "(SELECT min(id) FROM vouchers_allocation)"

    def post(
        self,
        *legs: tuple[str, int],
        reason: str = "reserve",
        cause: str = "run",
        slices: tuple[str, ...] = (),
    ) -> str:
        """A new transfer of the running campaign with legs of (account, fen)."""
        slices = slices or (self.SLICES,) * len(legs)
        lines = ", ".join(
            f"({n}, ({account}), {fen}, {allocation}::bigint)"
            for n, ((account, fen), allocation) in enumerate(zip(legs, slices, strict=True), 1)
        )
        return (
            "WITH made AS (INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause,"
            " cause_id) SELECT nextval('vouchers_transfer_id_seq'), '2026-04-01 04:00Z', id,"
            f" '{reason}', '{cause}', {self.CAUSE} FROM vouchers_campaign"
            " WHERE code = 'spring-2026'"
            " RETURNING id, at)"
            " INSERT INTO vouchers_leg"
            " (transfer_id, line_no, at, account_id, amount_fen, allocation_id)"
            " SELECT made.id, line.no, made.at, line.account, line.fen, line.slices"
            f" FROM made, (VALUES {lines}) AS line(no, account, fen, slices)"
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

    def test_an_unknown_account_is_refused(self) -> None:
        assert self.refuses(("SELECT 999999999", -5), ("SELECT 999999999", 5))

    def test_a_reason_moves_money_between_its_own_accounts_only(self) -> None:
        free, payable = self.account("city", "free"), self.account("city", "payable")
        made = self.post((free, -5), (payable, 5))
        assert guard_that_refuses(made) == "money_arrows"
        back = self.post((self.account("city", "reserved"), -5), (free, 5))
        assert guard_that_refuses(back) == "money_arrows"
        # Out of one account the reason knows and into another, but not one into the other.
        assert guard_that_refuses(self.post((free, 5), (free, -5))) == "money_arrows"

    def test_what_is_promised_counts_in_slices_of_its_campaign(self) -> None:
        """Money moved from one slice to another would leave the first's quota and escape both."""
        rule = "legs_count_in_their_slices"
        legs = (self.account("city", "free"), -5), (self.account("city", "reserved"), 5)
        other = "(SELECT max(id) FROM vouchers_allocation)"
        foreign = (
            "INSERT INTO vouchers_allocation (id, campaign_id, tier_id) SELECT 999, campaign_id, id"
            f" FROM vouchers_tier WHERE campaign_id = {DRAFT} LIMIT 1;"
        )
        none, theirs = ("NULL", "NULL"), ("999", "999")
        assert guard_that_refuses(self.post(*legs, slices=none)) == rule
        assert guard_that_refuses(foreign + self.post(*legs, slices=theirs)) == rule
        across = self.post(*legs, slices=(self.SLICES, other))
        assert guard_that_refuses(across) == "legs_balance"
        left = (self.account("city", "free"), -5), (self.account("city", "repaid"), 5)
        counted = self.post(*left, reason="repay", cause="proposal")
        assert guard_that_refuses(counted) == rule
        uncounted = self.post(*left, reason="repay", cause="proposal", slices=none)
        assert guard_that_refuses(uncounted).startswith("nothing")

    def test_nothing_is_added_to_a_transfer_of_another_transaction(self) -> None:
        """`xid` distinguishes them, and no caller chooses it."""
        free, reserved = self.account("city", "free"), self.account("city", "reserved")
        late = (
            "INSERT INTO vouchers_leg"
            " (transfer_id, line_no, at, account_id, amount_fen, allocation_id)"
            f" SELECT t.id, line.no, t.at, line.account, line.fen, {self.SLICES}"
            "  FROM (SELECT id, at FROM vouchers_transfer"
            "         WHERE reason = 'reserve' AND xid <> pg_current_xact_id()"
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


class TestProposals:
    """Another person approves what they have seen; only then does money move."""

    LI = "(SELECT id FROM auth_user WHERE username = 'li')"

    def test_a_yes_is_to_what_was_seen(self) -> None:
        assert guard_that_refuses(decision(decided_by_id=self.LI)).startswith("nothing")
        unseen = decision(decided_by_id=self.LI, seen_sha256=r"'\x00'")
        assert guard_that_refuses(unseen) == "decision_of_what_was_seen"

    @pytest.mark.parametrize("answer", ["undecided", "rejected"])
    def test_nothing_is_posted_without_a_yes(self, answer: str) -> None:
        assert guard_that_refuses(of_proposal("approved")).startswith("nothing")
        assert guard_that_refuses(of_proposal(answer)) == "proposal_was_approved"

    def test_a_yes_is_used_up_with_its_transaction(self) -> None:
        """The act is done when it is approved: the same yes does not pay a second time."""
        another_day = (
            "ALTER TABLE vouchers_proposaldecision DISABLE TRIGGER USER;"
            "UPDATE vouchers_proposaldecision SET xid = '7';"
            "SET CONSTRAINTS ALL IMMEDIATE;"
            "ALTER TABLE vouchers_proposaldecision ENABLE TRIGGER USER;"
        )
        again_used = another_day + of_proposal("approved")
        assert guard_that_refuses(again_used) == "proposal_was_approved"

    def test_a_yes_is_good_for_its_own_campaign(self) -> None:
        elsewhere = of_proposal("approved", campaign=DRAFT)
        assert guard_that_refuses(elsewhere) == "proposal_was_approved"


class TestOrders:
    """An order stays claimed while its redemption stands."""

    BURY = f"UPDATE vouchers_orderclaim SET redemption_id = NULL WHERE redemption_id = {HELD}"
    FREE = f"DELETE FROM vouchers_orderclaim WHERE redemption_id = {HELD}"

    @pytest.mark.parametrize(
        ("state", "act", "answer"),
        [
            (2, BURY, "order_claim_of_undone"),
            (2, FREE, "order_claim_of_undone"),
            (3, FREE, "nothing refused it (1 rows)"),
            (3, BURY, "order_claim_of_undone"),
            (4, BURY, "nothing refused it (1 rows)"),
            (4, FREE, "order_claim_of_undone"),
        ],
    )
    def test_a_void_frees_it_and_a_reversal_buries_it(
        self, state: int, act: str, answer: str
    ) -> None:
        undone = f"UPDATE vouchers_redemption SET state = {state} WHERE id = {HELD}"
        assert guard_that_refuses(f"{undone}; {act}") == answer


class TestRefunds:
    """A refund is its merchant's, of a redemption that stands, and no more than there is."""

    @pytest.mark.parametrize("state", [1, 3])
    def test_only_what_was_captured_is_refunded(self, state: int) -> None:
        of = f"(SELECT id FROM vouchers_redemption WHERE state = {state})"
        refund = again("vouchers_refund", refund_no="'x'", redemption_id=of)
        assert guard_that_refuses(refund) == "refund_by_its_merchant"

    def test_a_redemption_with_a_refund_is_not_undone(self) -> None:
        statement = (
            "ALTER TABLE vouchers_settlementline DISABLE TRIGGER USER;"
            "DELETE FROM vouchers_settlementline;"
            "UPDATE vouchers_redemption SET state = 3 WHERE id IN"
            " (SELECT redemption_id FROM vouchers_refund)"
        )
        assert guard_that_refuses(statement) == "refunded_redemption_stands"

    def test_all_of_the_subsidy_back_is_refunded(self) -> None:
        """Otherwise a voucher would go on counting in every quota without having cost anything."""
        rest = again(
            "vouchers_refund",
            refund_no="'R2'",
            amount_fen="1",
            clawback_fen="(SELECT discount_fen FROM vouchers_redemption r"
            " WHERE r.id = redemption_id) - clawback_fen",
        )
        second = "(SELECT id FROM vouchers_refund WHERE refund_no = 'R2')"
        parts = ";".join(
            again("vouchers_refundpart", refund_id=second, source_id=source, amount_fen=amount_fen)
            for source, amount_fen in (("source_id", "600"), (GROUP, "400"))
        )
        whole = f"{rest};{parts}"
        assert guard_that_refuses(whole + AT_COMMIT) == "refund_adds_up"
        done = (
            "UPDATE vouchers_redemption SET state = 5 WHERE id IN"
            " (SELECT redemption_id FROM vouchers_refund)"
        )
        assert guard_that_refuses(f"{whole};{done}{AT_COMMIT}").startswith("nothing")


class TestSettlements:
    """A line is what is left of one captured redemption's share, and a file that was made stays."""

    LATER = "(SELECT max(settlement_id) FROM vouchers_settlementline)"
    OWN = f"(SELECT merchant_id FROM vouchers_settlement WHERE id = {LATER})"

    def line(self, **change: str) -> str:
        """Like the first line of the city's next settlement but for what is named."""
        return again(
            "vouchers_settlementline",
            f"kind = 'redemption' AND settlement_id = {self.LATER}",
            **change,
        )

    def unsettled(self) -> str:
        """The held redemption, released: nothing stands against settling it."""
        return "UPDATE vouchers_hold SET released_at = opened_at;"

    def test_nothing_is_added_to_a_settlement_that_was_made(self) -> None:
        (share_fen,) = rows(
            f"SELECT (share->>1)::bigint FROM vouchers_redemption r, vouchers_settlement z,"
            f" jsonb_array_elements(r.split) share WHERE r.id = {HELD} AND z.id = {self.LATER}"
            "  AND (share->>0)::bigint = z.source_id"
        )
        added = self.line(redemption_id=HELD, amount_fen=f"{share_fen}")
        assert guard_that_refuses(self.unsettled() + added) == "settlement_is_fixed"
        assert guard_that_refuses(added) == "line_is_its_redemption"  # held
        less = self.line(redemption_id=HELD, amount_fen=f"{share_fen - 1}")
        assert guard_that_refuses(self.unsettled() + less) == "line_is_its_redemption"

    @pytest.mark.parametrize(
        "change",
        [
            {"source_id": GROUP},
            {"redemption_id": "(SELECT id FROM vouchers_redemption WHERE state = 1)"},
            {"redemption_id": "(SELECT id FROM vouchers_redemption WHERE state = 3)"},
        ],
        ids=["another source", "authorised", "undone"],
    )
    def test_a_line_is_of_its_own_redemption(self, change: dict[str, str]) -> None:
        assert guard_that_refuses(self.line(**change)) == "line_is_its_redemption"

    def test_a_line_is_in_its_own_merchants_settlement(self) -> None:
        rivals = f"(SELECT min(id) FROM vouchers_settlement WHERE merchant_id <> {self.OWN})"
        line = self.line(redemption_id=HELD, settlement_id=rivals)
        assert guard_that_refuses(self.unsettled() + line) == "line_is_its_redemption"

    @pytest.mark.parametrize(
        ("redemption", "guard"),
        [
            ("(SELECT redemption_id FROM vouchers_refund)", "settlement_is_fixed"),
            (HELD, "line_is_its_redemption"),
        ],
    )
    def test_what_is_kept_back_is_of_the_refunded_redemption(
        self, redemption: str, guard: str
    ) -> None:
        line = again(
            "vouchers_settlementline",
            "kind = 'refund'",
            source_id=GROUP,
            settlement_id="(SELECT id FROM vouchers_settlement"
            f" WHERE merchant_id = {self.OWN} AND source_id = {GROUP})",
            amount_fen="-1",
            redemption_id=redemption,
        )
        assert guard_that_refuses(line) == guard


class TestHistory:
    """What the admin noted is evidence."""

    def test_the_table_is_append_only(self) -> None:
        assert rows("SELECT count(*) FROM django_admin_log") != [0]
        rewritten = "UPDATE django_admin_log SET change_message = ''"
        assert guard_that_refuses(rewritten) == "history_append_only"
        assert guard_that_refuses("DELETE FROM django_admin_log") == "history_append_only"
        assert guard_that_refuses("TRUNCATE django_admin_log") == "truncate"


class TestTheDatabaseKnowsTheSameSets:
    """Arrows and causes are read back from the catalogue: code and database cannot drift apart."""

    def test_arrows_of_states(self) -> None:
        for trigger, arrows in (
            ("voucher_arrows", VOUCHER_ARROWS),
            ("redemption_arrows", REDEMPTION_ARROWS),
            ("campaign_arrows", CAMPAIGN_ARROWS),
            ("run_arrows", RUN_ARROWS),
        ):
            (text,) = rows(
                "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = tgrelid AND NOT c.relispartition WHERE tgname ~ %s",
                f"^pgtrigger_{trigger}_[0-9a-f]{{5}}$",
            )
            old, new = (
                rf"{row}\.state\)?(?:::text)? <> '?(\w+)'?(?:::text)?\)" for row in ("old", "new")
            )
            pairs = re.findall(rf"{old} OR \(+{new}", text)
            assert set(pairs) == {(str(old.value), str(new.value)) for old, new in arrows}

    def test_where_a_reason_moves_money(self) -> None:
        (source,) = rows(
            "SELECT prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE tgrelid = 'vouchers_leg'::regclass AND tgname ~ 'legs_balance'"
        )
        listed = re.search(r"'\{(.*?)\}'::text\[\]", source)
        assert listed is not None
        assert sorted(listed[1].split(",")) == LEG_ARROWS
        assert set(MONEY_ARROWS) == set(TransferReason)

    def test_what_a_reason_refers_to(self) -> None:
        (text,) = rows(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conname = 'transfer_cause_fits_reason'"
            " AND conrelid = 'vouchers_transfer'::regclass"
        )
        found = set(re.findall(r"(\w+)/(\w+)", text))
        assert found == {
            (reason.value, cause.value) for reason, causes in CAUSES.items() for cause in causes
        }
        assert set(CAUSES) == set(TransferReason)


def test_terms_are_in_force_with_as_many_approvals_as_they_need() -> None:
    statements = (
        "ALTER TABLE vouchers_termsversion DISABLE TRIGGER USER;"
        "UPDATE vouchers_termsversion SET signatures_needed = 2;"
        "UPDATE vouchers_campaign SET name = name WHERE state = 'running'"
    )
    assert guard_that_refuses(statements) == "terms_were_approved"
