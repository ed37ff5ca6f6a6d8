"""Mutations of codes shown once and of papers."""

from tests.mutations.mutation import (
    Mutation,
    database,
    source,
    without_constraint,
    without_index,
    without_trigger,
)

PURE = "vouchers/rules/redemption"
SERVICES = "vouchers/services/redemption"
SHOWN = "tests/rules/redemption/test_shown.py"
PRESENT = "tests/services/redemption/test_present.py"
PAPERS = "tests/services/redemption/test_papers.py"
QUOTE = "tests/services/redemption/test_quote.py"
GUARDS = "tests/models/test_guards.py"
CONSTRAINTS = f"{GUARDS}::test_every_constraint_refuses_what_breaks_it"
TRIGGERS = f"{GUARDS}::test_every_trigger_refuses_what_breaks_it"


def _shown(name: str, broken: str, old: str, new: str, *tests: str) -> Mutation:
    return source(name, 5, broken, f"{PURE}/shown.py", old, new, *tests)


def _presenting(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    path = f"{PURE}/redeem.py"
    return source(name, 5, broken, path, old, new, f"{PRESENT}::TestPresenting::{test}")


def _trigger(table: str, name: str) -> Mutation:
    sql = without_trigger(f"vouchers_{table}", name)
    return database(name, 5, f"trigger `{name}` dropped", sql, TRIGGERS)


def _constraint(table: str, name: str) -> Mutation:
    sql = without_constraint(f"vouchers_{table}", name)
    return database(name, 5, f"CHECK `{name}` dropped", sql, CONSTRAINTS)


OF_PRESENTED: tuple[Mutation, ...] = (
    _shown(
        "a presented code for ever",
        "a presented code does not end",
        "shown.expires_at is None or at >= shown.expires_at",
        "shown.expires_at is None",
        f"{SHOWN}::test_a_presented_code_is_good_for_sixty_seconds_and_no_more",
        f"{PRESENT}::TestAtTheTill::test_a_code_is_good_for_a_minute",
    ),
    _shown(
        "a presented code twice",
        "a presented code redeems as often as its voucher comes back",
        "    if shown.is_used:\n",
        "    if shown.is_used and shown.is_of_another:\n",
        f"{PRESENT}::TestAtTheTill::test_a_code_is_good_once_even_if_the_voucher_comes_back",
    ),
    _shown(
        "a presented code of somebody else",
        "the till may name another than the one who presents",
        "    if shown.is_of_another:\n",
        "    if shown.is_of_another and shown.is_used:\n",
        f"{SHOWN}::test_a_presented_code_is_not_another_persons",
        f"{PRESENT}::TestAtTheTill::test_a_resident_who_is_named_has_to_be_the_one_who_shows_it",
    ),
    source(
        "a batch forgets a presented code",
        5,
        "two orders of one batch use the same presented code",
        f"{SERVICES}/codebook.py",
        "            self._used.add(presentation_id)\n",
        "            pass\n",
        f"{PRESENT}::TestAtTheTill::test_two_orders_of_one_batch_do_not_both_have_it",
    ),
    source(
        "a use that is not written",
        5,
        "a presented code is not marked as used",
        f"{SERVICES}/batch_effects.py",
        "used=_used(accepted)",
        "used={}",
        f"{PRESENT}::TestAtTheTill::test_a_code_is_good_once_even_if_the_voucher_comes_back",
        f"{PRESENT}::TestAtTheTill::test_the_code_alone_redeems_for_its_holder",
    ),
    source(
        "a forged code",
        5,
        "check digits of presented codes and papers are not compared",
        "vouchers/rules/issuing/numbered_codes.py",
        "    if not hmac.compare_digest(check, _check_digits(body, key)):\n        return None\n",
        "",
        f"{PRESENT}::TestAtTheTill::test_expired_used_forged_and_unknown_codes_read_alike",
    ),
    source(
        "printed where presence is asked",
        5,
        "a printed code is good where the campaign asks for presence",
        f"{PURE}/redeem.py",
        "    if tranche.presence_required and case.shown.way is Way.PRINTED:\n",
        "    if tranche.presence_required and case.shown.way is Way.PAPER:\n",
        f"{PRESENT}::"
        "TestPresence::test_where_presence_is_asked_for_the_printed_code_is_refused_and_a_shown_one_is_not",
    ),
    _presenting(
        "a stranger presents",
        "a code is made for who is neither holder nor proxy",
        "PRESENTING: tuple[Rule, ...] = (\n    _shown_by_holder,\n    _people_active,\n",
        "PRESENTING: tuple[Rule, ...] = (\n",
        "test_a_stranger_gets_no_code_and_no_reason",
    ),
    _presenting(
        "presented of the frozen",
        "a code is made of a frozen resident's voucher",
        "    _shown_by_holder,\n    _people_active,\n    _campaign_running,\n",
        "    _shown_by_holder,\n    _campaign_running,\n",
        "test_a_frozen_holders_voucher_can_not_be_presented",
    ),
    _presenting(
        "the sandbox presents",
        "a test key has codes made of live vouchers",
        "tranche.is_test != case.caller_is_test:\n"
        '        return Refusal("voucher_not_usable", "voucher_unknown")\n'
        "    for rule in PRESENTING:\n",
        "tranche is voucher:\n"
        '        return Refusal("voucher_not_usable", "voucher_unknown")\n'
        "    for rule in PRESENTING:\n",
        "test_the_sandbox_gets_no_code_of_a_live_voucher",
    ),
    source(
        "a code outlives its voucher",
        5,
        "a presented code may end after its voucher",
        f"{SERVICES}/present.py",
        "min(at + PRESENTED_FOR, terms.valid_until_at)",
        "at + PRESENTED_FOR",
        f"{PRESENT}::TestPresenting::test_a_code_ends_with_its_voucher",
    ),
    _trigger("presentation", "presentation_facts_frozen"),
    _trigger("presentation", "presentation_used_once"),
    _trigger("presentation", "presentation_fits_redemption"),
    _trigger("presentation", "presentation_used_stays"),
    _constraint("presentation", "presentation_ends_after_start"),
)
OF_PAPERS: tuple[Mutation, ...] = (
    source(
        "a paper's code is stored",
        5,
        "the code of a new paper waits in the store of messages",
        "vouchers/admin/redemption/codes.py",
        '        return said_once(\n            _("A new paper',
        "        messages.info(request, grouped(made.code))\n"
        '        return said_once(\n            _("A new paper',
        "tests/admin/test_codes.py::TestPapers::"
        "test_a_lost_paper_is_replaced_by_one_whose_code_is_shown_once",
    ),
    _shown(
        "six tries of a paper",
        "a paper has one try more",
        "    if shown.wrong_count >= PAPER_TRIES:\n",
        "    if shown.wrong_count > PAPER_TRIES:\n",
        f"{SHOWN}::test_a_paper_is_locked_after_five_wrong_tries",
        f"{PAPERS}::TestAtTheTill::test_five_wrong_tries_lock_it_and_a_new_paper_opens_it",
    ),
    _shown(
        "a lost paper redeems",
        "a paper that was replaced is still good",
        "    if shown.is_replaced:\n",
        "    if shown.is_replaced and shown.is_used:\n",
        f"{PAPERS}::TestAtTheTill::test_a_replaced_paper_is_refused",
    ),
    _shown(
        "any four digits",
        "the digits of a paper are not compared",
        "    if not shown.digits_match:\n",
        "    if not shown.digits_match and shown.is_used:\n",
        f"{PAPERS}::TestAtTheTill::test_five_wrong_tries_lock_it_and_a_new_paper_opens_it",
    ),
    source(
        "a batch forgets tries",
        5,
        "wrong digits in one batch do not count for each other",
        f"{SERVICES}/codebook.py",
        "            self._tries[pending.code.row_id] += 1\n",
        "            pass\n",
        f"{PAPERS}::TestAtTheTill::test_six_tries_in_one_batch_are_five",
    ),
    source(
        "tries that are not written",
        5,
        "wrong digits are not counted on the paper",
        f"{SERVICES}/batch_effects.py",
        "tried=_tried(refused)",
        "tried={}",
        f"{PAPERS}::TestAtTheTill::test_five_wrong_tries_lock_it_and_a_new_paper_opens_it",
    ),
    source(
        "digits tried at quotes",
        5,
        "wrong digits in a quote are not counted on the paper",
        f"{SERVICES}/quote.py",
        "if is_wrong_try(refusal) and pending.voucher_id is not None:",
        "if is_wrong_try(refusal) and pending.voucher_id is None:",
        f"{QUOTE}::TestWrongCodes",
    ),
    source(
        "a paper for any number",
        5,
        "a paper is made with another's identity number",
        f"{SERVICES}/papers.py",
        "    return None if is_same else NOT_THE_HOLDER\n",
        "    return None if is_same or on_file else NOT_THE_HOLDER\n",
        f"{PAPERS}::TestIssuing::test_only_the_holders_own_identity_number_makes_a_paper",
    ),
    source(
        "a paper for a proxy",
        5,
        "a paper is made in a proxy's name",
        f"{SERVICES}/papers.py",
        "    if holder.external_id != resident_no or on_file is None:\n",
        "    if on_file is None:\n",
        f"{PAPERS}::TestIssuing::test_none_is_made_for_a_proxy_or_a_stranger",
    ),
    source(
        "two papers of one voucher",
        5,
        "the paper before a new one stays as it is",
        f"{SERVICES}/papers.py",
        ".update(replaced_at=at)",
        ".count()",
        f"{PAPERS}::TestIssuing::test_only_one_paper_of_a_voucher_is_live",
    ),
    source(
        "anybody replaces papers",
        5,
        "a lost paper is replaced by people of any role",
        f"{SERVICES}/papers.py",
        '    require_permission(by, "vouchers.change_paper", at=at, on=paper)\n',
        "",
        f"{PAPERS}::TestReplacing::test_it_takes_an_operator_or_a_risk_officer",
    ),
    _trigger("paper", "paper_facts_frozen"),
    _trigger("paper", "paper_never_easier"),
    _constraint("paper", "paper_within_tries"),
    database(
        "one_live_paper_per_voucher",
        5,
        "UNIQUE `one_live_paper_per_voucher` dropped",
        without_index("one_live_paper_per_voucher"),
        CONSTRAINTS,
    ),
)
OF_CODES: tuple[Mutation, ...] = (*OF_PRESENTED, *OF_PAPERS)
