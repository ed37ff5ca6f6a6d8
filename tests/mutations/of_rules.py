"""Mutations of rules, and of what acts write."""

from tests.mutations.mutation import Mutation, Patch, source

SERVICES = "vouchers/services"
REDEMPTION = "tests/services/redemption/test_redeem.py"
STORE_NUMBERS = "tests/services/redemption/test_store_numbers.py"
LIFECYCLE = "tests/services/redemption/test_lifecycle.py"
RULES = "tests/rules/redemption/test_redeem.py"
SETTLEMENT = "tests/services/settlement/test_days.py"
NOT_HELD = (
    "       AND NOT EXISTS (SELECT FROM vouchers_hold h\n"
    "                        WHERE h.redemption_id = r.id AND h.released_at IS NULL)\n"
)

OF_RULES: tuple[Mutation, ...] = (
    # 1, 4: what acts give back
    source(
        "the difference kept",
        1,
        "a capture of less does not give the difference back",
        f"{SERVICES}/redemption/capture.py",
        "    lines += move(locked, decided.rest, origin=authorised, target=decided.target)\n",
        "",
        f"{LIFECYCLE}::TestCaptureOfPercentages",
    ),
    source(
        "expiry without room",
        1,
        "expired vouchers' money does not go back to its quota cells",
        f"{SERVICES}/issuing/expiry.py",
        "        quotas.give_back_shares(shares=shares)\n",
        "",
        "tests/services/issuing/test_expiry.py"
        "::test_unspent_vouchers_return_their_money_and_their_place_in_the_quota",
    ),
    source(
        "a unit too many",
        2,
        "a quota cell gives one more than it has",
        "vouchers/rules/ledger/quotas.py",
        "    return room is not None and wanted > room\n",
        "    return room is not None and wanted > room + 1\n",
        "tests/services/ledger/test_quotas.py"
        "::test_a_cell_on_any_dimension_takes_its_last_unit_and_no_more",
    ),
    source(
        "a fen lost in a split",
        4,
        "the remainder of a split is dropped",
        "vouchers/money.py",
        "    for i in by_remainder[: total_fen - sum(parts)]:\n        parts[i] += 1\n",
        "",
        "tests/test_money.py::test_the_parts_add_up_and_none_is_a_fen_off_its_share",
    ),
    source(
        "counters keep what was undone",
        4,
        "an undone redemption goes on counting",
        f"{SERVICES}/redemption/undo.py",
        "    release_counters(locked, fen=redemption.discount_fen, places=1)\n",
        "",
        f"{REDEMPTION}::TestVoid",
    ),
    source(
        "a hold of more than is left",
        4,
        "what refunds called back is held all the same",
        f"{SERVICES}/redemption/holds.py",
        "fen - clawed_fen.get(source_id, 0)) for source_id, fen in redemption.split]",
        "fen) for source_id, fen in redemption.split]",
        "tests/services/redemption/test_holds.py::test_what_a_refund_called_back_is_neither_held_nor_released",
    ),
    # 5: the rules of a redemption
    source(
        "used vouchers accepted",
        5,
        "the voucher's state is not asked",
        "vouchers/rules/redemption/redeem.py",
        "    _campaign_running,\n    _not_used,\n",
        "    _campaign_running,\n",
        f"{REDEMPTION}::test_a_used_voucher_is_refused",
        f"{RULES}::test_one_thing_wrong_is_enough_for_a_no",
    ),
    source(
        "anybody may show it",
        5,
        "holder and proxies are not asked",
        "vouchers/rules/redemption/redeem.py",
        "    if shopper.id != voucher.resident_id and"
        " voucher.resident_id not in shopper.may_show_for:\n"
        '        return Refusal("voucher_not_usable", "holder_or_proxy")\n',
        "",
        f"{RULES}::test_strangers_learn_nothing_of_a_voucher",
    ),
    source(
        "a stranger is told",
        5,
        "the order of the rules swapped: the voucher's state before its holder",
        "vouchers/rules/redemption/redeem.py",
        "RULES: tuple[Rule, ...] = (\n    _shown_by_holder,\n",
        "RULES: tuple[Rule, ...] = (\n    _not_used,\n    _shown_by_holder,\n",
        f"{RULES}::test_strangers_learn_nothing_of_a_voucher",
        f"{RULES}::test_of_many_things_wrong_the_first_asked_is_named",
    ),
    source(
        "good for an instant longer",
        5,
        "a window's end counts as inside",
        "vouchers/rules/redemption/redeem.py",
        "    if at >= tranche.valid_until_at or",
        "    if at > tranche.valid_until_at or",
        f"{RULES}::test_the_window_is_half_open",
    ),
    source(
        "expired tranches accepted",
        5,
        "a tranche's state is not asked",
        "vouchers/rules/redemption/redeem.py",
        " or tranche.state == TrancheState.EXPIRED:",
        ":",
        f"{RULES}::test_one_thing_wrong_is_enough_for_a_no",
    ),
    source(
        "a fen below the threshold",
        5,
        "an order one fen short is accepted",
        "vouchers/rules/redemption/redeem.py",
        "    if counts_fen >= tranche.threshold_fen:",
        "    if counts_fen + 1 >= tranche.threshold_fen:",
        f"{RULES}::test_the_threshold_is_inclusive_and_the_missing_fen_are_exact",
    ),
    source(
        "nothing left to pay",
        5,
        "a discount may take the whole eligible amount",
        "vouchers/rules/redemption/redeem.py",
        "    if 0 < discount_fen < eligible_fen:",
        "    if 0 < discount_fen <= eligible_fen:",
        f"{RULES}::test_of_the_eligible_goods_a_fen_stays_to_be_paid",
        f"{REDEMPTION}::test_something_must_be_left_to_pay",
    ),
    source(
        "captured beyond the authorisation",
        5,
        "a larger final order earns more than was set aside",
        "vouchers/rules/redemption/redeem.py",
        "min(_discount_fen(order, tranche), sum(fen for _, fen in authorised))",
        "_discount_fen(order, tranche)",
        f"{RULES}::test_a_larger_final_order_earns_no_more_than_was_set_aside",
    ),
    source(
        "captured at the last instant",
        5,
        "the authorisation's end counts as inside",
        "vouchers/rules/redemption/undo.py",
        "    if ends_at is not None and at >= ends_at:\n        when",
        "    if ends_at is not None and at > ends_at:\n        when",
        "tests/rules/redemption/test_undo.py::test_an_authorisation_is_captured_or_lapses_and_never_both",
        f"{LIFECYCLE}::TestCapture",
    ),
    source(
        "another merchant's terminal",
        5,
        "a terminal acts in any store",
        f"{SERVICES}/redemption/stores.py",
        "    if store.merchant_id not in caller.merchant_ids:\n        return False\n"
        "    return caller.store_ids is None or store.id in caller.store_ids\n",
        "    return True\n",
        f"{STORE_NUMBERS}::test_a_number_is_resolved_among_the_callers_own",
        f"{STORE_NUMBERS}::test_a_foreign_store_is_as_one_that_is_not_there",
    ),
    source(
        "the first of several stores",
        5,
        "an ambiguous store number means the first store of that number",
        f"{SERVICES}/redemption/stores.py",
        "    if len(own) > 1:\n",
        "    if not own:\n",
        f"{STORE_NUMBERS}::test_an_integrator_names_the_merchant",
    ),
    source(
        "the store's part not asked",
        5,
        "any open store is accepted",
        "vouchers/rules/redemption/redeem.py",
        "    return None if case.store.participates else",
        "    return None if case.store.is_open else",
        f"{RULES}::test_one_thing_wrong_is_enough_for_a_no",
    ),
    # 6: what was approved
    source(
        "approved by its editor",
        6,
        "whoever edited terms may approve them",
        "vouchers/rules/campaigns/lifecycle.py",
        '    if approver_id in editors:\n        return Refusal("approver_edited",'
        ' "another_person")\n',
        "",
        "tests/services/campaigns/test_lifecycle.py::test_nobody_approves_what_they_edited",
    ),
    source(
        "approved by its proposer",
        6,
        "whoever proposed something may approve it",
        "vouchers/rules/campaigns/proposals.py",
        "    if proposer_id == approver_id:\n"
        '        return Refusal("approver_proposed", "another_person")\n',
        "",
        "tests/rules/campaigns/test_proposals.py::test_nobody_decides_on_their_own_nor_unseen_nor_twice",
    ),
    source(
        "approved unseen",
        6,
        "the hash an approver saw is not compared",
        "vouchers/rules/campaigns/proposals.py",
        "    if sha256 != seen_sha256:\n"
        '        return Refusal("proposal_not_as_seen", "seen_hash")\n',
        "",
        "tests/rules/campaigns/test_proposals.py::test_nobody_decides_on_their_own_nor_unseen_nor_twice",
    ),
    # 8, 9: exact limits
    source(
        "one over the limit",
        8,
        "a limit by number lets one more through",
        "vouchers/rules/limits.py",
        "so_far.redemptions + 1 > rule.limit_count",
        "so_far.redemptions > rule.limit_count",
        "tests/rules/limits/test_limits.py::TestJudging",
    ),
    source(
        "a fen over the limit",
        9,
        "a limit by money ignores the order at hand",
        "vouchers/rules/limits.py",
        "so_far.fen + discount_fen > rule.limit_fen",
        "so_far.fen > rule.limit_fen",
        "tests/rules/limits/test_limits.py::TestJudging",
    ),
    source(
        "merged residents apart",
        8,
        "a merge does not share one limit",
        "vouchers/rules/limits.py",
        '    if _KINDS[key.kind][0] != "resident":\n        return [key]\n',
        "    return [key]\n",
        "tests/rules/limits/test_limits.py::TestSamePerson",
    ),
    source(
        "the week of somewhere else",
        9,
        "weeks begin on Thursday",
        "vouchers/rules/limits.py",
        "    return days - (days + 3) % 7 if",
        "    return days - days % 7 if",
        "tests/rules/limits/test_limits.py::TestWindows",
    ),
    source(
        "a batch forgets what it gave",
        9,
        "requests of one batch do not count for each other",
        f"{SERVICES}/redemption/batch_judge.py",
        "so_far.redemptions + 1, so_far.fen + effect.decision.discount_fen",
        "so_far.redemptions, so_far.fen",
        "tests/concurrency/test_locks.py"
        "::test_a_batch_that_reaches_a_limit_is_one_transaction_all_the_same",
    ),
    # 11: settlements and refunds
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
        f"{SETTLEMENT}::test_what_a_settlement_cannot_cover_waits_for_the_next_ones",
    ),
    source(
        "paid without cash",
        11,
        "a payout does not ask for cash",
        f"{SERVICES}/settlement/days.py",
        "        if short_fen:\n",
        "        if short_fen < 0:\n",
        f"{SETTLEMENT}::test_nothing_is_paid_with_money_that_has_not_come",
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
)
