"""Mutations of claims: rounds on the second, who may claim how much, the last unit, and when it is
sold out."""

from tests.mutations.mutation import (
    Mutation,
    Patch,
    database,
    source,
    without_constraint,
    without_trigger,
)

RULES = "vouchers/rules/claims.py"
SERVICES = "vouchers/services/claims"
CLAIM = "tests/services/claims/test_claim.py"
LINKS = "tests/services/claims/test_links.py"
CROWD = "tests/concurrency/test_claims.py"
GUARDS = "tests/models/test_guards.py"


def _rule(name: str, invariant: int, broken: str, old: str, new: str, *tests: str) -> Mutation:
    return source(name, invariant, broken, RULES, old, new, *(f"{CLAIM}::{test}" for test in tests))


def _trigger(invariant: int, table: str, name: str, test: str) -> Mutation:
    sql = without_trigger(f"vouchers_{table}", name)
    return database(name, invariant, f"trigger `{name}` dropped", sql, f"{GUARDS}::{test}")


OF_CLAIMS: tuple[Mutation, ...] = (
    _rule(
        "a round opens a moment late",
        2,
        "a claim on the second of the opening is refused",
        "    if at < opens_at:\n",
        "    if at <= opens_at:\n",
        "test_one_batch_serves_in_order_of_arrival_and_leaves_no_unit_over",
    ),
    _rule(
        "claimed before the opening",
        2,
        "a round can be claimed before it has opened",
        "    if at < opens_at:\n",
        "    if at < offer.starts_at:\n",
        "test_a_round_opens_and_closes_on_the_second",
    ),
    _rule(
        "claimed at the last instant",
        2,
        "the end of a round is inclusive",
        "    if at >= min(offer.closes_at, offer.ends_at):\n",
        "    if at > min(offer.closes_at, offer.ends_at):\n",
        "test_a_round_opens_and_closes_on_the_second",
    ),
    _rule(
        "the sandbox claims live money",
        1,
        "a test key may claim what a live campaign offers",
        "offer is None or offer.is_test != caller_is_test",
        "offer is None",
        "TestWho::test_a_sandbox_key_sees_no_live_offer",
    ),
    _rule(
        "a paused campaign gives",
        9,
        "claims do not ask whether the campaign is running",
        "    return judge_running(offer.campaign_state, ",
        '    return judge_running("running", ',
        "test_a_paused_campaign_gives_nothing_at_the_next_request",
    ),
    _rule(
        "the dead claim",
        12,
        "claims do not ask for the resident's state",
        "    if claimant.state != ResidentState.ACTIVE:\n",
        "    if claimant.state == ResidentState.ERASED:\n",
        "TestWho::test_the_dead_get_nothing",
    ),
    _rule(
        "anybody claims",
        12,
        "who does not belong to the audience may claim",
        "    if claimant.untargeted is not None:\n",
        '    if claimant.untargeted == "":\n',
        "TestWho",
        "TestOnTheSpot",
    ),
    Mutation(
        "one claim more",
        8,
        "a person may claim one more of an offer than its tier allows",
        [f"{CLAIM}::test_the_tiers_limit_per_resident_holds_within_and_across_batches"],
        patches=[
            Patch(RULES, "claimant.claimed >= offer.per_resident", "claimant.claimed > 9"),
            Patch(
                RULES,
                "had[candidate.person] >= candidate.allowed",
                "had[candidate.person] > candidate.allowed",
            ),
        ],
    ),
    source(
        "a telephone claims for everybody",
        8,
        "the rules let a device claim more than its limit, and leave it to the row's CHECK",
        RULES,
        "judge_limits(candidate.limit_keys, counters,",
        "judge_limits((), counters,",
        f"{LINKS}::test_a_device_claims_as_often_as_it_may_within_a_batch_and_across",
    ),
    source(
        "claims leave no trace on their links",
        8,
        "what was claimed with a device is not added to its counters",
        f"{SERVICES}/batch_effects.py",
        "        send_taken(raw, taken)\n",
        "",
        f"{CROWD}::test_many_residents_on_one_device_get_no_more_than_its_limit",
    ),
    # The database refuses the whole batch otherwise, which is then judged request by request.
    Mutation(
        "a batch forgets who claimed",
        8,
        "claims of one batch do not count for each other, nor does a trigger stop them",
        [f"{CLAIM}::test_the_tiers_limit_per_resident_holds_within_and_across_batches"],
        patches=[Patch(RULES, "        had[candidate.person] += 1\n", "")],
        sql=without_trigger("vouchers_claim", "claim_within_its_offer"),
    ),
    Mutation(
        "claims unlocked",
        8,
        "what a resident has claimed is counted without its lock, nor is its number unique",
        [f"{CROWD}::test_a_resident_on_many_devices_gets_no_more_than_one"],
        patches=[
            Patch(
                f"{SERVICES}/batch_facts.py",
                '{"keys": sorted(CLAIMED.key(*pair) for pair in pairs)}',
                '{"keys": []}',
            )
        ],
        sql=without_constraint("vouchers_claim", "one_claim_per_number"),
    ),
    source(
        "merged residents claim apart",
        8,
        "claims of merged residents are not counted together",
        f"{SERVICES}/batch_facts.py",
        "find_same_people(merged) if merged else {}",
        "{}",
        f"{CLAIM}::test_merged_residents_are_one_person",
    ),
    source(
        "channels share a count",
        8,
        "claims through all channels count together where quotas tell channels apart",
        f"{SERVICES}/terms.py",
        'return channel if "channel" in self.cells.dimensions else ""',
        'return ""',
        f"{CLAIM}::test_each_channel_counts_for_itself_where_quotas_tell_channels_apart",
    ),
    source(
        "claimed vouchers lengthened from the opening",
        6,
        "an amendment reckons the validity of claimed vouchers from their round's opening",
        "vouchers/services/campaigns/amendments.py",
        "tranche.valid_from_at if tranche.shard_id else _closes_at(tranche)",
        "tranche.valid_from_at",
        "tests/services/campaigns/test_amendments.py"
        "::test_claimed_vouchers_last_as_long_after_their_round_as_minted_ones",
    ),
    source(
        "a place on file for the spot",
        12,
        "a claim on the spot is judged by the point on file when no position is sent",
        f"{SERVICES}/places.py",
        "    block.longitude_deg[:], block.latitude_deg[:] = np.nan, np.nan\n",
        "",
        f"{CLAIM}::TestOnTheSpot",
    ),
    source(
        "claimed through a till",
        5,
        "a key that is no channel's may claim",
        "vouchers/http/claims.py",
        "if SCOPE_CLAIM not in caller.scopes or caller.kind != Credential.Kind.CHANNEL:",
        "if SCOPE_CLAIM not in caller.scopes:",
        "tests/express/test_claims.py::test_only_a_channels_key_may_claim",
    ),
    source(
        "the last unit twice",
        2,
        "a batch that finds too little is admitted as if there were enough",
        f"{SERVICES}/batch_judge.py",
        "quotas.rooms_of(buckets), facts.used)\n    is_short",
        "None, facts.used)\n    is_short",
        f"{CLAIM}::test_one_batch_serves_in_order_of_arrival_and_leaves_no_unit_over",
    ),
    source(
        "the last numbers of a tranche",
        2,
        "a tranche gives nothing to a batch that asks for more than it has left",
        f"{SERVICES}/batch_judge.py",
        "        fitting.append(size + asking[tranche_id] <= TRANCHE_MAX_VOUCHERS)\n",
        "        fitting.append(size + len(hopeful) <= TRANCHE_MAX_VOUCHERS)\n",
        f"{CLAIM}::test_the_last_numbers_of_a_tranche_are_given_out_and_then_another_is_opened",
    ),
    source(
        "a channel switched off claims",
        9,
        "a suspended channel claims while a cache remembers it",
        "vouchers/services/acts/idempotency.py",
        "        if caller_id in self.switched_off:\n            return SWITCHED_OFF\n",
        "",
        f"{CLAIM}::TestSwitchedOff",
    ),
    source(
        "sold out for good",
        7,
        "`sold_out` is stored under the key it was answered to",
        f"{SERVICES}/batch_judge.py",
        "refusal=rules.SOLD_OUT, shortage=",
        "refusal=rules.SOLD_OUT, is_stored=True, shortage=",
        f"{CLAIM}::test_sold_out_is_not_stored_and_the_same_key_wins_a_unit_that_comes_back",
    ),
    source(
        "sold out after a return",
        2,
        "a unit that comes back does not lift what is remembered of its cell",
        "vouchers/services/sold_out.py",
        "if mark is not None and mark == marks.get(each.cell_id)",
        "if mark is not None",
        f"{CROWD}::TestMemoryOfWhatIsSoldOut",
    ),
    source(
        "a winner turned away",
        7,
        "a key that has won is told `sold_out` by the memory",
        f"{SERVICES}/claim.py",
        "keys.known(place, request) or closed[number]",
        "closed[number]",
        f"{CROWD}::TestMemoryOfWhatIsSoldOut::test_the_winners_key_still_gets_its_answer",
    ),
    _trigger(2, "claim", "claim_within_its_offer", "test_every_trigger_refuses_what_breaks_it"),
    _trigger(3, "claim", "claim_xid_is_its_own", "test_every_trigger_refuses_what_breaks_it"),
    _trigger(3, "claim", "claim_append_only", "TestBooks"),
    _trigger(4, "voucher", "voucher_was_claimed", "test_every_trigger_refuses_what_breaks_it"),
    _trigger(4, "tranche", "tranche_grows_by_claims", "test_every_trigger_refuses_what_breaks_it"),
    database(
        "one_claim_per_number",
        8,
        "UNIQUE `one_claim_per_number` dropped",
        without_constraint("vouchers_claim", "one_claim_per_number"),
        f"{GUARDS}::test_every_constraint_refuses_what_breaks_it",
    ),
    database(
        "claimed_tranche_has_a_round",
        4,
        "CHECK `claimed_tranche_has_a_round` dropped",
        without_constraint("vouchers_tranche", "claimed_tranche_has_a_round"),
        f"{GUARDS}::test_every_constraint_refuses_what_breaks_it",
    ),
)
