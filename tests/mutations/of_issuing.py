"""Mutations of what stops, resumes and starts distribution."""

from tests.mutations.mutation import Mutation, source

ISSUING = "vouchers/services/issuing"
CONTROL = "tests/services/issuing/test_control.py"
REPEATED = "tests/rules/proofs/test_audit_selection.py"
DROPS = "tests/services/issuing/test_drops.py"

OF_ISSUING: tuple[Mutation, ...] = (
    source(
        "paused runs taken up",
        2,
        "workers take up a paused run",
        f"{ISSUING}/leases.py",
        "            paused_at__isnull=True,\n",
        "",
        f"{CONTROL}::test_a_paused_run_is_taken_up_when_it_is_resumed",
    ),
    source(
        "paused shards minted",
        2,
        "workers mint the shards of a paused run",
        f"{ISSUING}/leases.py",
        "        run__paused_at__isnull=True,\n",
        "",
        f"{CONTROL}::test_of_a_run_paused_in_the_middle_no_further_shard_is_minted",
    ),
    source(
        "cancelled without room",
        1,
        "a cancelled run's money does not go back to its quota cells",
        f"{ISSUING}/control.py",
        "    quotas.give_back(vouchers=returned)\n",
        "",
        f"{CONTROL}::test_cancelled_in_the_middle_what_is_issued_stays_and_the_rest_is_free_again",
    ),
    source(
        "cancelled vouchers counted",
        2,
        "what a cancelled run did not mint counts as received",
        f"{ISSUING}/selection.py",
        "    others = others.exclude(~Q(state=ShardState.DONE), run__state=RunState.CANCELLED)\n",
        "",
        f"{CONTROL}::test_another_run_serves_those_whom_the_cancelled_one_did_not",
    ),
    source(
        "a drop again",
        10,
        "a round that has been distributed is distributed at every sweep",
        f"{ISSUING}/drops.py",
        ", runs=None\n",
        "\n",
        f"{DROPS}::test_a_run_is_requested_when_the_round_opens_and_once",
    ),
    source(
        "choices not repeated",
        12,
        "the audit overlooks whom a run preferred",
        "vouchers/rules/proofs/audit/selection.py",
        "        if expected[key] != choice.chosen.get(key, 0):\n",
        "        if expected[key] > choice.chosen.get(key, 0) + 1:\n",
        f"{REPEATED}::test_who_was_preferred_and_who_was_passed_over_are_both_named",
    ),
    source(
        "control group served",
        12,
        "residents held out as a control group are served",
        "vouchers/rules/issuing/selection.py",
        "    wanted = np.where(line.barred | line.held_out, 0, wanted)\n",
        "    wanted = np.where(line.barred, 0, wanted)\n",
        f"{REPEATED}::test_the_audit_and_the_run_choose_the_same_people_in_any_order_of_rows",
    ),
)
