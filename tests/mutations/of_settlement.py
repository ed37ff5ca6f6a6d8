"""Mutations of settlements and refunds."""

from tests.mutations.mutation import Mutation, Patch, source

SERVICES = "vouchers/services"
SETTLEMENT = "tests/services/settlement/test_days.py"
MIDNIGHT = "tests/concurrency/test_midnight.py"
SNAPSHOTS = "tests/services/audience/test_snapshots.py"
NOT_HELD = (
    "       AND NOT EXISTS (SELECT FROM vouchers_hold h\n"
    "                        WHERE h.redemption_id = r.id AND h.released_at IS NULL)\n"
)

OF_SETTLEMENT: tuple[Mutation, ...] = (
    source(
        "anyone records cash",
        1,
        "cash is recorded without the right to",
        "vouchers/services/ledger/funding.py",
        '    require_permission(by, "vouchers.add_cashreceipt", at=at)\n',
        "",
        "tests/services/ledger/test_funding.py::test_who_may_not_record_cash_records_none",
    ),
    source(
        "anyone records what is paid back",
        1,
        "a merchant's repayment is recorded without the right to",
        "vouchers/services/settlement/collection.py",
        '    require_permission(by, "vouchers.add_collection", at=at)\n',
        "",
        "tests/services/settlement/test_collection.py::"
        "test_who_may_not_record_what_is_paid_back_records_nothing",
    ),
    source(
        "a payout without an author",
        11,
        "the history does not say who instructed a payout",
        "vouchers/services/settlement/days.py",
        '        note(settlement, by=by, what=_("payout instructed"), at=at)\n',
        "",
        "tests/services/settlement/test_payouts.py::"
        "test_who_settled_a_day_and_who_instructed_its_payout_is_on_record",
    ),
    source(
        "settled and settled again",
        11,
        "what has a line is taken again",
        "vouchers/models/settlement.py",
        "       AND NOT EXISTS (SELECT FROM vouchers_settlementline l"
        " WHERE l.redemption_id = r.id)\n",
        "",
        f"{SETTLEMENT}::test_settling_twice_changes_nothing",
        f"{SETTLEMENT}::test_what_is_captured_after_the_close_goes_to_the_next_day",
    ),
    source(
        "tomorrow settled today",
        11,
        "a day's settlement takes what was redeemed after midnight",
        "vouchers/models/settlement.py",
        "       AND r.business_day <= %(business_day)s\n       AND r.state",
        "       AND r.state",
        f"{MIDNIGHT}::test_what_is_redeemed_while_its_day_is_closed_is_settled_once",
    ),
    Mutation(
        "held money settled",
        11,
        "holds are not looked at when a day is settled, neither before nor after its locks",
        (f"{SETTLEMENT}::test_held_money_waits_for_its_release",),
        patches=[
            Patch("vouchers/models/settlement.py", f"{NOT_HELD}{before}", before)
            for before in (
                "     ORDER BY r.id\n       FOR NO KEY",
                '     ORDER BY r.id\n    """,\n    _captured',
            )
        ],
    ),
    source(
        "kept back beyond the payout",
        11,
        "a debt is kept back whole, also from less",
        "vouchers/rules/settlement.py",
        "min(refund.owed_fen, left_fen.get(key, 0))",
        "refund.owed_fen",
        "tests/services/settlement/test_kept_back.py::test_what_a_settlement_cannot_cover_waits_for_the_next_ones",
    ),
    source(
        "paid without cash",
        11,
        "a payout does not ask for cash",
        f"{SERVICES}/settlement/days.py",
        "        if short_fen:\n",
        "        if short_fen < 0:\n",
        "tests/services/settlement/test_payouts.py::test_nothing_is_paid_with_money_that_has_not_come",
    ),
    source(
        "voided after the cut-off",
        11,
        "the business day's end is not asked",
        "vouchers/rules/redemption/undo.py",
        "    if business_day(at, redemption.zone) > redemption.business_day:",
        "    if business_day(at, redemption.zone) < redemption.business_day:",
        "tests/rules/redemption/test_undo.py::test_it_can_be_undone_until_the_end_of_its_business_day",
    ),
    source(
        "voided though settled",
        11,
        "lines of a settlement are not asked for",
        "vouchers/rules/redemption/undo.py",
        "    if redemption.is_settled:\n"
        '        return Refusal("redemption_state", f"{act}_settled")\n',
        "",
        "tests/rules/redemption/test_undo.py::test_what_a_settlement_or_a_refund_has_taken_up_is_not_undone",
    ),
    source(
        "refunded beyond the payment",
        11,
        "a refund is not compared with what the shopper paid",
        "vouchers/rules/redemption/refunds.py",
        "    if amount_fen > left_fen:",
        "    if amount_fen > redemption.order_amount_fen:",
        "tests/rules/redemption/test_refunds.py::test_no_more_is_refunded_than_the_shopper_paid",
    ),
    source(
        "promised without room",
        1,
        "a refund promises a voucher anew though its quota cells are full",
        "vouchers/rules/redemption/refunds.py",
        "    has_money = redemption.has_quota_room or not redemption.is_settled\n",
        "    has_money = True\n",
        "tests/rules/redemption/test_refunds.py"
        "::test_without_room_in_the_quota_cells_the_voucher_is_lost_and_nothing_promised",
        "tests/services/redemption/test_refunds.py::test_without_free_money_the_voucher_does_not_come_back",
    ),
    source(
        "usable after the end",
        5,
        "a voucher given back in a campaign that is over is said to be usable",
        "vouchers/rules/redemption/undo.py",
        " and redemption.campaign_state not in CAMPAIGN_OVER\n",
        "\n",
        "tests/rules/redemption/test_undo.py"
        "::test_a_voucher_is_usable_again_until_its_end_unless_the_campaign_is_over",
    ),
    source(
        "clawback rounded up",
        11,
        "a clawback is rounded up instead of down",
        "vouchers/rules/redemption/refunds.py",
        "    return discount_fen * refunded_fen // paid_fen\n",
        "    return -(-discount_fen * refunded_fen // paid_fen)\n",
        "tests/rules/redemption/test_refunds.py::test_a_part_calls_back_its_proportion_rounded_down",
    ),
    source(
        "a paid debt taken for payable",
        11,
        "a refund after the payout takes from what is still owed",
        "vouchers/rules/redemption/refunds.py",
        "    if settlement is SettlementState.PAID:\n        return AccountKind.SETTLED\n",
        "",
        "tests/rules/redemption/test_refunds.py::test_each_source_by_the_state_of_its_own_settlement",
    ),
    source(
        "collected beyond the debt",
        11,
        "a collection is not compared with what is owed",
        f"{SERVICES}/settlement/collection.py",
        "    if collection.amount_fen > owed_fen:",
        "    if collection.amount_fen > owed_fen + 1:",
        "tests/services/settlement/test_collection.py::test_more_than_is_owed_is_not_taken",
    ),
    # 12: targeting
    source(
        "a step beyond the circle",
        12,
        "a store reaches ten centimetres too far",
        "vouchers/rules/audience/store_cover.py",
        "            beyond = distance - self.circles.radius_m[candidate]\n",
        "            beyond = distance - self.circles.radius_m[candidate] - 0.1\n",
        "tests/rules/audience/test_store_cover.py"
        "::test_a_radius_of_exactly_the_distance_is_inside_and_one_ulp_less_is_outside",
    ),
    source(
        "a ring's edge outside",
        12,
        "a distance exactly at a ring's outer edge falls out of it",
        "vouchers/rules/audience/targeting.py",
        "            found[above & (metres <= ring.to_m)] = position\n",
        "            found[above & (metres < ring.to_m)] = position\n",
        "tests/rules/audience/test_targeting.py",
    ),
    source(
        "a snapshot by the order of transactions",
        12,
        "what began before the snapshot and committed after it is not read by row",
        "vouchers/models/audience/snapshots.py",
        "        AND (NOT pg_visible_in_snapshot(r.changed_xid, %(as_of)s::pg_snapshot)\n",
        "        AND (r.changed_xid >= pg_snapshot_xmax(%(as_of)s::pg_snapshot)\n",
        f"{SNAPSHOTS}::test_what_an_import_writes_counts_from_the_moment_it_commits",
    ),
    source(
        "changed residents twice",
        12,
        "whoever is read by row is read from the block too",
        "vouchers/services/audience/residents.py",
        "                if sources.changed.size:\n",
        "                if not sources.block_numbers.size:\n",
        f"{SNAPSHOTS}::test_what_an_import_writes_counts_from_the_moment_it_commits",
    ),
)
