"""Mutations of locks, compare-and-swaps, fences and keys."""

from dataclasses import replace

from tests.mutations.mutation import Mutation, source

SERVICES = "vouchers/services"
REDEMPTION = "tests/services/redemption/test_redeem.py"
TILLS = "tests/services/redemption"
RULES = "tests/rules/redemption/test_redeem.py"
RACES = "tests/concurrency"
SAME_REQUEST = f"{RACES}/test_same_request.py"
SETTLEMENT = "tests/services/settlement/test_days.py"
PROPOSALS = "tests/services/campaigns/test_proposals.py"

OF_LOCKS: tuple[Mutation, ...] = (
    # 2, 8, 9: what is counted is counted under a lock
    source(
        "quota buckets unlocked",
        2,
        "buckets are read without `FOR NO KEY UPDATE`",
        f"{SERVICES}/ledger/quotas.py",
        'rows.select_for_update(no_key=True, of=("self",))',
        "rows",
        f"{RACES}/test_buckets.py::test_of_a_crowd_exactly_as_many_win_as_there_are_units",
    ),
    source(
        "no second look",
        2,
        "one short sub-bucket refuses, the others are not asked",
        f"{SERVICES}/ledger/quotas.py",
        "    except _ShortHereError:\n        _take(needs)",
        '    except _ShortHereError:\n        raise Refused("quota_exhausted", "quota_cell")',
        f"{RACES}/test_buckets.py::test_no_client_is_refused_while_there_is_a_unit_for_each",
        "tests/services/ledger/test_quotas.py::test_the_last_unit_is_found_wherever_it_lies",
    ),
    source(
        "counters unlocked",
        8,
        "limit counters are read without their lock",
        f"{SERVICES}/limits/counters.py",
        '    LOCK_COUNTERS.send(raw, {"keys": sorted(LIMIT_COUNTER.key(*key) for key in keys)})',
        "    return",
        f"{RACES}/test_locks.py::test_a_till_waits_for_the_session_that_counts_and_holds_no_later_counter",
    ),
    source(
        "counters locked last used first",
        8,
        "the lock order swapped: counters are locked from the last to the first",
        f"{SERVICES}/limits/counters.py",
        '{"keys": sorted(LIMIT_COUNTER.key(*key) for key in keys)}',
        '{"keys": sorted((LIMIT_COUNTER.key(*k) for k in keys), reverse=True)}',
        f"{RACES}/test_locks.py::test_a_till_waits_for_the_session_that_counts_and_holds_no_later_counter",
    ),
    # 5: a voucher is decided on under its lock
    source(
        "vouchers unlocked",
        5,
        "vouchers are read without `FOR NO KEY UPDATE`",
        "vouchers/models/issuing/vouchers.py",
        "     ORDER BY id\n       FOR NO KEY UPDATE\n",
        "     ORDER BY id\n",
        f"{RACES}/test_locks.py::test_a_till_waits_for_the_session_that_has_the_voucher",
        f"{RACES}/test_two_tills.py::test_exactly_one_till_redeems_it",
        f"{RACES}/test_undo.py::test_void_against_redeem",
    ),
    source(
        "vouchers locked as they come",
        5,
        "the lock order swapped: a batch locks its vouchers from the last to the first",
        "vouchers/models/issuing/vouchers.py",
        "     ORDER BY id\n       FOR NO KEY UPDATE\n",
        "     ORDER BY id DESC\n       FOR NO KEY UPDATE\n",
        f"{RACES}/test_locks.py"
        "::test_a_batch_that_waits_for_its_first_voucher_holds_none_of_the_later",
    ),
    source(
        "tranches unlocked",
        4,
        "a tranche expires without waiting for who uses its vouchers",
        f"{SERVICES}/issuing/expiry.py",
        '        OWN_TRANCHE.send(raw_connection(), {"tranche_id": tranche_id}).rows()\n',
        "",
        f"{RACES}/test_undo.py::test_void_against_expiry",
        f"{RACES}/test_undo.py::test_void_redeem_and_expiry_together",
        f"{RACES}/test_lifecycle.py::test_capture_void_reverse_lapse_and_expiry_together",
    ),
    # 7: one effect per request and order
    source(
        "keys not tried",
        7,
        "a duplicate in flight neither waits nor is refused",
        "vouchers/models/locks.py",
        "    SELECT pg_try_advisory_xact_lock(key) FROM",
        "    SELECT key IS NOT NULL FROM",
        f"{SAME_REQUEST}::test_a_duplicate_does_not_wait_for_the_one_in_flight",
        f"{SAME_REQUEST}::test_one_key_from_many_threads_is_one_redemption_and_one_answer",
    ),
    source(
        "orders unlocked",
        7,
        "the order's lock is not taken",
        "vouchers/models/locks.py",
        "    SELECT pg_advisory_xact_lock(key) IS NULL FROM unnest(%(order_keys)s::bigint[])",
        "    SELECT key IS NULL FROM unnest(%(order_keys)s::bigint[])",
        f"{RACES}/test_locks.py::test_a_till_waits_for_the_session_that_has_the_order",
    ),
    source(
        "another body under the same key",
        7,
        "the fingerprint of a repeated request is not compared",
        f"{SERVICES}/acts/idempotency.py",
        "    if request.fingerprint != stored.fingerprint:\n        return render(KEY_REUSED)\n",
        "",
        f"{REDEMPTION}::test_the_same_key_with_another_body_is_refused",
    ),
    source(
        "an act forgets its answer",
        7,
        "an act on a redemption keeps no answer under its key",
        f"{SERVICES}/acts/kernel.py",
        "        store_answers(raw, [(request, answer)])\n",
        "        pass\n",
        f"{REDEMPTION}::TestVoid",
    ),
    source(
        "deadlocks not run again",
        8,
        "a batch that loses a race by a deadlock is not run again",
        f"{SERVICES}/acts/retry.py",
        '"40001", "40P01", ',
        '"40001", ',
        "tests/services/acts/test_retry.py::test_these_errors_are_races",
    ),
    source(
        "no tombstone",
        7,
        "a reversal frees the order instead of burying it",
        f"{SERVICES}/redemption/undo.py",
        "        claim.update(redemption_id=None)",
        "        claim.delete()",
        f"{TILLS}/test_reverse.py::TestReverse",
    ),
    source(
        "the late original accepted",
        7,
        "a tombstone is not looked at",
        "vouchers/rules/redemption/redeem.py",
        "    if case.claim is None:\n        return None\n",
        '    if case.claim in (None, "reversed"):\n        return None\n',
        f"{RULES}::test_one_thing_wrong_is_enough_for_a_no",
        f"{TILLS}/test_reverse.py::TestReverse",
    ),
    # 10: leases, fences, compare-and-swaps
    source(
        "no fence on shards",
        10,
        "a worker whose lease was given away may still mint",
        f"{SERVICES}/issuing/leases.py",
        "        pk=shard_id, fence=fence, state=ShardState.LEASED.value",
        "        pk=shard_id, state=ShardState.LEASED.value",
        "tests/services/issuing/test_distribution.py::test_a_shard_is_minted_by_the_newest_lease_only",
    ),
    source(
        "no fence on runs",
        10,
        "a worker whose lease was given away may still target",
        f"{SERVICES}/issuing/leases.py",
        "        pk=run_id, fence=fence, state=state.value",
        "        pk=run_id, state=state.value",
        "tests/services/audience/test_targeting.py::test_a_worker_whose_lease_was_given_away_is_turned_down",
    ),
    source(
        "leases shared",
        10,
        "a run is leased without locking its row",
        f"{SERVICES}/issuing/leases.py",
        '        ).select_for_update(no_key=True, skip_locked=True, of=("self",))\n'
        '        run = waiting.order_by("id").first()',
        '        )\n        run = waiting.order_by("id").first()',
        f"{RACES}/test_distribution.py::test_one_run_is_leased_to_one_worker",
    ),
    source(
        "paid twice",
        11,
        "no compare-and-swap from ready to paid",
        f"{SERVICES}/settlement/days.py",
        "Settlement.objects.filter(pk=settlement.pk, state=SettlementState.READY)\n",
        "Settlement.objects.filter(pk=settlement.pk)\n",
        "tests/services/settlement/test_payouts.py::test_paying_twice_pays_once",
    ),
    source(
        "redemptions settled unlocked",
        11,
        "settling does not lock the redemptions it takes",
        "vouchers/models/settlement.py",
        "     ORDER BY r.id\n       FOR NO KEY UPDATE OF r\n",
        "     ORDER BY r.id\n",
        f"{RACES}/test_undo.py::test_void_against_settlement",
        f"{RACES}/test_lifecycle.py::test_void_against_hold",
    ),
    source(
        "acts on unlocked redemptions",
        5,
        "an act reads its redemption without locking it",
        f"{SERVICES}/redemption/locked.py",
        "Redemption.objects.select_for_update(no_key=True).get(",
        "Redemption.objects.get(",
        f"{RACES}/test_locks.py::test_an_act_waits_for_the_session_that_has_the_redemption",
    ),
    source(
        "a figure that has moved",
        6,
        "an approved change is made though the figure is no longer the one seen",
        "vouchers/rules/campaigns/proposals.py",
        "    if refusal := _unchanged(current_fen, expected_fen):\n        return refusal\n",
        "",
        f"{PROPOSALS}::test_of_two_proposals_on_one_figure_the_second_approval_is_refused_and_waits",
    ),
    replace(
        source(
            "sealed above the horizon",
            3,
            "the journal is sealed beyond the oldest transaction still running",
            "vouchers/queries/proofs/journal.py",
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
            "tests/services/proofs/test_seals.py::TestSealing::test_what_commits_late_goes_to_the_next_link",
        ),
        is_alone=True,
    ),
)
