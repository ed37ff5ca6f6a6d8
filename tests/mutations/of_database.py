"""Mutations of the database: each constraint and trigger that guards money, taken away."""

from tests.mutations.mutation import (
    Mutation,
    database,
    rewritten,
    without_constraint,
    without_index,
    without_trigger,
)

GUARDS = "tests/models/test_guards.py"
MONEY = "tests/models/test_money_guards.py"
CONSTRAINTS = f"{GUARDS}::test_every_constraint_refuses_what_breaks_it"
TRIGGERS = f"{GUARDS}::test_every_trigger_refuses_what_breaks_it"
LEGS = f"{MONEY}::TestLegs"
SWITCH = """CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name)
RETURNS boolean LANGUAGE sql AS
'SELECT trigger_name = ANY (current_setting(''pgtrigger.ignore'', true)::text[])';"""


def _constraint(invariant: int, table: str, name: str, *tests: str) -> Mutation:
    sql = without_constraint(f"vouchers_{table}", name)
    return database(name, invariant, f"CHECK `{name}` dropped", sql, *(tests or (CONSTRAINTS,)))


def _unique(invariant: int, name: str) -> Mutation:
    return database(name, invariant, f"UNIQUE `{name}` dropped", without_index(name), CONSTRAINTS)


def _trigger(invariant: int, table: str, name: str, *tests: str) -> Mutation:
    sql = without_trigger(f"vouchers_{table}", name)
    return database(name, invariant, f"trigger `{name}` dropped", sql, *(tests or (TRIGGERS,)))


LAUNCHED_LIMITS = (
    "tests/models/test_declaration.py"
    "::test_a_launched_limit_becomes_what_the_terms_in_force_say_and_never_less"
)

OF_DATABASE: tuple[Mutation, ...] = (
    _constraint(1, "quotabucket", "headroom_fen_not_negative"),
    _constraint(1, "quotabucket", "headroom_count_not_negative"),
    _constraint(1, "fundingsource", "appropriated_not_negative"),
    _trigger(1, "account", "account_of_own_source"),
    _trigger(1, "quotacell", "cell_of_own_campaign"),
    database(
        "legs across slices",
        1,
        "`legs_balance` sums per source only, not per allocation",
        rewritten("pgtrigger_legs_balance", "a.source_id, f.allocation_id\n", "a.source_id\n"),
        LEGS,
    ),
    _constraint(3, "leg", "leg_not_zero"),
    _constraint(3, "transfer", "transfer_cause_fits_reason"),
    _trigger(3, "leg", "legs_balance", LEGS),
    _trigger(3, "leg", "leg_append_only", f"{GUARDS}::TestBooks"),
    _trigger(3, "transfer", "transfer_xid_is_its_own"),
    _trigger(3, "transfer", "proposal_was_approved"),
    database(
        "one source pays for another",
        3,
        "`legs_balance` sums per transfer only",
        rewritten(
            "pgtrigger_legs_balance",
            "a.source_id",
            "nullif(a.id IS NOT NULL, false)",
        ),
        LEGS,
    ),
    database(
        "legs added later",
        3,
        "`legs_balance` takes legs of an earlier transaction's transfer",
        rewritten("pgtrigger_legs_balance", "AND t.xid = pg_current_xact_id()", ""),
        LEGS,
    ),
    database(
        "any reason moves any money",
        3,
        "`money_arrows` taken out of the trigger on legs",
        rewritten("pgtrigger_legs_balance", "<> ALL (", "= ANY ('{}'::text[]) AND '' <> ALL ("),
        LEGS,
    ),
    database(
        "a month emptied behind its parent",
        3,
        "TRUNCATE trigger of a partition dropped",
        "DROP TRIGGER no_truncate ON vouchers_leg_rest;",
        f"{GUARDS}::TestBooks",
    ),
    database(
        "triggers switched off",
        3,
        "django-pgtrigger's switch put back: a session may turn triggers off",
        SWITCH,
        "tests/models/test_privileges.py::test_no_session_switches_the_guards_off",
    ),
    _constraint(5, "redemption", "payable_at_least_one_fen"),
    _constraint(5, "redemption", "eligible_within_order"),
    _constraint(5, "redemption", "captured_within_authorised"),
    _constraint(5, "redemption", "authorisation_has_an_end"),
    _unique(5, "voucher_redeems_once"),
    _trigger(5, "voucher", "voucher_arrows"),
    _trigger(5, "redemption", "redemption_arrows", f"{GUARDS}::TestArrows"),
    _trigger(5, "redemption", "redemption_facts_frozen"),
    _trigger(5, "redemption", "redemption_amounts_frozen"),
    _trigger(6, "tranche", "tranche_terms_frozen", f"{GUARDS}::TestTranches"),
    _trigger(6, "tranche", "tranche_validity_never_shorter"),
    _trigger(6, "tier", "tier_only_in_draft"),
    database(
        "launched terms move into a draft",
        6,
        "`tier_only_in_draft` lets a row change its campaign",
        rewritten("pgtrigger_tier_only_in_draft", "OLD.campaign_id <> NEW.campaign_id", "false"),
        "tests/models/test_declaration.py::test_a_row_of_launched_terms_does_not_move_into_a_draft",
    ),
    _trigger(6, "tiersplit", "shares_add_up_to_face"),
    _trigger(6, "limitrule", "limit_has_a_figure"),
    _trigger(6, "limitrule", "limit_only_widened", LAUNCHED_LIMITS),
    database(
        "a launched limit lowered",
        6,
        "`limit_only_widened` lets a limit fall where the terms in force say so",
        rewritten("pgtrigger_limit_only_widened", "NEW.limit_count < OLD.limit_count", "false"),
        LAUNCHED_LIMITS,
    ),
    _trigger(6, "approval", "approval_by_another_person"),
    _trigger(6, "campaign", "terms_were_approved"),
    _trigger(6, "proposaldecision", "decision_by_another_person", f"{MONEY}::TestProposals"),
    _trigger(6, "proposaldecision", "decision_with_all_signatures"),
    _trigger(6, "proposalsignature", "signature_by_another_person"),
    database(
        "one approval for many",
        6,
        "`terms_were_approved` does not count the approvals",
        rewritten("pgtrigger_terms_were_approved", "count(*) >= v.signatures_needed", "true"),
        f"{MONEY}::test_terms_are_in_force_with_as_many_approvals_as_they_need",
    ),
    database(
        "a decision on something unseen",
        6,
        "the hash seen is not compared by `decision_by_another_person`",
        rewritten("pgtrigger_decision_by", "asked.sha256 <> NEW.seen_sha256", "false"),
        f"{MONEY}::TestProposals",
    ),
    database(
        "a yes used twice",
        6,
        "`proposal_was_approved` takes a decision of another transaction",
        rewritten("pgtrigger_proposal_was", "AND d.xid = pg_current_xact_id()", ""),
        f"{MONEY}::TestProposals",
    ),
    _trigger(7, "requestrecord", "request_append_only", f"{GUARDS}::TestBooks"),
    _trigger(7, "orderclaim", "tombstone_stands"),
    _trigger(7, "orderclaim", "order_claim_of_undone", f"{MONEY}::TestOrders"),
    _constraint(8, "limitcounter", "counter_within_limit_count"),
    _constraint(9, "limitcounter", "counter_within_limit_fen"),
    database(
        "a tranche of any size",
        10,
        "`huimin_attach_tranche` does not count what it attaches",
        rewritten("huimin_attach_tranche", "is_exact IS NOT TRUE", "false"),
        f"{GUARDS}::TestTranches",
    ),
    database(
        "a row slipped in while attaching",
        10,
        "`huimin_attach_tranche` does not lock the table before it counts",
        rewritten(
            "huimin_attach_tranche",
            "EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', child);",
            "",
        ),
        "tests/concurrency/test_attach.py",
    ),
    database(
        "a shard minted twice",
        10,
        "one tranche per shard no longer unique",
        "ALTER TABLE vouchers_tranche DROP CONSTRAINT vouchers_tranche_shard_id_key;",
        f"{GUARDS}::TestTranches",
    ),
    _unique(11, "settled_once"),
    _unique(11, "netted_once_per_settlement"),
    _unique(11, "one_open_hold_per_redemption"),
    _constraint(11, "settlement", "settlement_total_not_negative"),
    _constraint(11, "refundpart", "refund_part_accounts"),
    _trigger(11, "redemption", "settled_redemption_stands"),
    _trigger(11, "settlementline", "netted_within_owed"),
    _trigger(11, "settlementline", "line_is_its_redemption", f"{MONEY}::TestSettlements"),
    _trigger(11, "settlement", "settlement_adds_up"),
    _trigger(11, "settlement", "settlement_figures_frozen"),
    _trigger(11, "refund", "refunds_within_payment"),
    _trigger(11, "refund", "refund_adds_up"),
    _trigger(11, "refund", "refund_by_its_merchant", f"{MONEY}::TestRefunds"),
    _trigger(11, "refundpart", "clawback_within_share"),
    _trigger(11, "collectionline", "collected_within_owed"),
    _trigger(11, "hold", "hold_of_what_is_owed"),
    _trigger(11, "seal", "seal_follows_the_last"),
)
