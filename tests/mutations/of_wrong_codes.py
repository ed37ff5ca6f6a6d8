"""Mutations of the counting of wrong codes, and of what quotes ask and leave."""

from tests.mutations.mutation import Mutation, database, source, without_constraint

SERVICES = "vouchers/services/redemption"
SHOWN = "tests/rules/redemption/test_shown.py"
WRONG = "tests/services/redemption/test_wrong_codes.py"
QUOTE = "tests/services/redemption/test_quote.py"
GUARDS = "tests/models/test_guards.py"


def _shown(name: str, broken: str, old: str, new: str, *tests: str) -> Mutation:
    return source(name, 9, broken, "vouchers/rules/redemption/shown.py", old, new, *tests)


OF_WRONG_CODES: tuple[Mutation, ...] = (
    _shown(
        "wrong codes without end",
        "wrong codes never last to the end of the hour",
        "    if over < free:\n",
        "    if over >= 0:\n",
        f"{SHOWN}::test_wrong_codes_are_first_free_then_slow_then_refused",
    ),
    _shown(
        "a wrong code more is free",
        "one wrong code more costs nothing",
        "    if over < 0:\n",
        "    if over <= 0:\n",
        f"{SHOWN}::test_wrong_codes_are_first_free_then_slow_then_refused",
    ),
    _shown(
        "one measure for all",
        "a store is slowed down as soon as a till",
        "free * FREE[WrongCodeKind(key.kind)]",
        "free",
        f"{SHOWN}::test_every_subject_has_its_own_measure",
    ),
    _shown(
        "the shortest wait",
        "of several waits the shortest counts",
        "    wait_s = max(waits_s, default=0)\n",
        "    wait_s = min(waits_s, default=0)\n",
        f"{SHOWN}::test_the_longest_wait_counts",
    ),
    _shown(
        "genuine codes are guesses",
        "a code that was good once counts as a wrong one",
        '        "presentation_of_another",\n',
        '        "presentation_of_another",\n        "presentation_expired",\n',
        f"{WRONG}::test_expired_codes_do_not_count_as_guesses",
        f"{QUOTE}::TestWrongCodes",
    ),
    source(
        "guesses of a voucher uncounted",
        9,
        "wrong codes are not counted of the voucher they name",
        f"{SERVICES}/shown.py",
        "        (WrongCodeKind.VOUCHER, code.named_id),\n",
        "",
        f"{WRONG}::test_one_voucher_tried_at_many_tills_is_only_good_when_presented",
    ),
    source(
        "guesses in a store uncounted",
        9,
        "wrong codes are not counted of the store",
        f"{SERVICES}/shown.py",
        "        (WrongCodeKind.STORE, store_id),\n",
        "",
        f"{WRONG}::test_tills_of_a_store_that_guess_in_turn_are_stopped_together",
    ),
    source(
        "guesses of a key uncounted",
        9,
        "wrong codes are not counted of the key",
        f"{SERVICES}/shown.py",
        "        (kind, caller.credential_id),\n",
        "",
        f"{WRONG}::test_a_channel_that_guesses_is_stopped_as_well",
    ),
    source(
        "a batch forgets guesses",
        9,
        "wrong codes of one batch do not count for each other",
        f"{SERVICES}/codebook.py",
        "            self._wrong[key] = Wrong(so_far.codes + 1, max(so_far.last_at, at))\n",
        "            pass\n",
        f"{WRONG}::test_ten_thousand_guesses_from_one_key_open_nothing",
    ),
    source(
        "guesses that are not written",
        9,
        "wrong codes of redemptions are not written",
        f"{SERVICES}/batch_effects.py",
        "            send_wrong_codes(raw, wrong)\n",
        "            pass\n",
        f"{WRONG}::test_a_replay_is_counted_once",
    ),
    source(
        "guessed at quotes",
        9,
        "wrong codes of quotes are not written",
        f"{SERVICES}/quote.py",
        "                send_wrong_codes(raw, [(wrong, pending.request.at)])\n",
        "                pass\n",
        f"{QUOTE}::TestWrongCodes",
    ),
    source(
        "guesses at quotes of nobody",
        9,
        "wrong codes of quotes are counted of no subject",
        f"{SERVICES}/batch_judge.py",
        "        if isinstance(store, Refusal):\n"
        "            return ()\n"
        "        return self._codes.note_refusal(pending, refusal, store.id)\n",
        "        return ()\n",
        f"{QUOTE}::TestWrongCodes",
    ),
    source(
        "guessed in a channel",
        9,
        "wrong codes of channels are not written",
        f"{SERVICES}/present.py",
        "        send_wrong_codes(raw, [(keys, at)])\n",
        "        pass\n",
        f"{WRONG}::test_a_channel_that_guesses_is_stopped_as_well",
    ),
    source(
        "nobody has to wait",
        9,
        "wrong codes are counted and slow nothing down",
        f"{SERVICES}/batch_judge.py",
        "        if slowed is not None:\n            return slowed\n",
        "",
        f"{WRONG}::test_guessing_whose_a_voucher_is_counts_too",
        f"{QUOTE}::TestWrongCodes",
    ),
    source(
        "a wait for good",
        7,
        "the answer to wait is stored under its key",
        f"{SERVICES}/batch_judge.py",
        "            if is_slowed(effect) or effect.code in GATE:\n",
        "            if effect.code in GATE:\n",
        f"{WRONG}::test_a_till_waits_a_moment_and_the_same_request_is_then_answered",
    ),
    source(
        "forgotten within the hour",
        9,
        "counters of wrong codes are deleted on the day they were counted",
        f"{SERVICES}/present.py",
        "window_no__lt=window_no(before_at)",
        "window_no__lt=window_no(at)",
        f"{WRONG}::test_counters_of_a_day_ago_are_forgotten",
    ),
    source(
        "anybody forgives",
        9,
        "wrong codes are forgiven by people of any role",
        f"{SERVICES}/wrong_codes.py",
        '    require_permission(by, "vouchers.delete_wrongcodes", at=at)\n',
        "",
        f"{WRONG}::TestForgiving::test_it_takes_a_risk_officer",
    ),
    source(
        "a quote ignores the rules of risk",
        9,
        "risk rules are not asked about a quote",
        f"{SERVICES}/batch_judge.py",
        "found.rule.verdict is RiskVerdict.REFUSE:",
        "found.rule.verdict is RiskVerdict.REFUSE and facts.ids[number][0]:",
        f"{QUOTE}::TestRiskRules",
    ),
    source(
        "a quote holds tallies",
        9,
        "a quote locks the tallies that risk rules look at",
        "vouchers/services/limits/risk.py",
        "    if for_update:\n        lock_tallies(raw, keys)\n",
        "    lock_tallies(raw, keys)\n",
        "tests/concurrency/test_quotes.py::test_a_quote_takes_no_lock_and_waits_for_none",
    ),
    database(
        "wrong_codes_positive",
        9,
        "CHECK `wrong_codes_positive` dropped",
        without_constraint("vouchers_wrongcodes", "wrong_codes_positive"),
        f"{GUARDS}::test_every_constraint_refuses_what_breaks_it",
    ),
)
