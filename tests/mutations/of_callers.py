"""Mutations of callers: enrolment by one-time codes, keys and their scopes, an integrator's own
numbers, load shedding."""

from tests.mutations.mutation import (
    Mutation,
    Patch,
    database,
    source,
    without_constraint,
    without_index,
)

ENROLMENT = "merchants/services/terminals.py"
OWN_NUMBERS = "vouchers/services/redemption/own_numbers.py"
SHEDDING = "vouchers/http/shedding.py"
TERMINALS = "tests/merchants/test_terminals.py"
AUTH = "tests/merchants/test_auth.py"
NUMBERS = "tests/services/redemption/test_own_numbers.py"
SHED = "tests/http/test_shedding.py"
GUARDS = "tests/models/test_guards.py"
CONSTRAINTS = f"{GUARDS}::test_every_constraint_refuses_what_breaks_it"


def _enrolment(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    return source(name, 5, broken, ENROLMENT, old, new, f"{TERMINALS}::{test}")


def _key(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    return source(name, 5, broken, "merchants/auth.py", old, new, f"{AUTH}::{test}")


def _number(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    return source(name, 5, broken, OWN_NUMBERS, old, new, f"{NUMBERS}::{test}")


def _shedding(name: str, broken: str, old: str, new: str, test: str) -> Mutation:
    return source(name, 9, broken, SHEDDING, old, new, f"{SHED}::{test}")


OF_ENROLMENT: tuple[Mutation, ...] = (
    _enrolment(
        "a code enrols twice",
        "an enrolment code is good as often as it is typed",
        "code_sha256=_sha256(code), used_at=None, expires_at__gt=at",
        "code_sha256=_sha256(code), expires_at__gt=at",
        "test_a_code_is_good_once",
    ),
    _enrolment(
        "a suspended till enrols itself",
        "a till whose credential is suspended or closed gets a new key by a code",
        "    if is_suspended or (held and known is None):\n",
        "    if is_suspended and known is not None:\n",
        "test_a_till_that_was_stopped_cannot_enrol_itself_again",
    ),
    source(
        "a suspended till keeps its code",
        5,
        "the open enrolment code of a till outlives its suspension",
        "merchants/services/edits.py",
        "    if credential.terminal_id is not None:\n",
        "    if credential.terminal_id is None:\n",
        f"{TERMINALS}::test_a_till_that_was_stopped_cannot_enrol_itself_again",
    ),
    source(
        "a proxy stops every till",
        5,
        "wrong enrolment codes count for the proxy through which they came",
        "vouchers/api/terminals.py",
        "address = client_address(request._request)",
        'address = request.META.get("REMOTE_ADDR")',
        "tests/api/test_terminals.py::test_behind_a_proxy_wrong_codes_stop_their_sender_alone",
    ),
    _enrolment(
        "a code enrols for ever",
        "an enrolment code does not end",
        "used_at=None, expires_at__gt=at",
        "used_at=None",
        "test_a_code_ends_and_a_newer_one_takes_its_place",
    ),
    _enrolment(
        "a suspended till enrols",
        "codes of suspended tills, stores and merchants are good",
        ".filter(active, code_sha256",
        ".filter(code_sha256",
        "test_a_code_of_what_is_suspended_opens_nothing",
    ),
    _enrolment(
        "enrolment codes pile up",
        "an unused code stays when another is made",
        "EnrolmentCode.objects.filter(terminal=terminal, is_test=is_test, used_at=None).delete()",
        "EnrolmentCode.objects.filter(terminal=terminal, is_test=is_test, used_at=None).exists()",
        "test_a_code_ends_and_a_newer_one_takes_its_place",
    ),
    _enrolment(
        "a key too many",
        "the key of a till that is enrolled again stays",
        "rotate_key(credential=known, overlap_s=0, at=at)",
        "rotate_key(credential=known, overlap_s=3600, at=at)",
        "test_a_till_that_is_enrolled_again_stays_the_same_caller_and_its_old_key_ends",
    ),
    _enrolment(
        "enrolment guesses uncounted",
        "wrong enrolment codes are not counted",
        "            guesses.wrong += 1\n",
        "            pass\n",
        "test_wrong_codes_are_counted_by_address_and_then_even_a_right_one_waits",
    ),
    _enrolment(
        "an enrolment guess more",
        "an address has one wrong enrolment code more",
        "        is_open = guesses.wrong < WRONG_PER_HOUR\n",
        "        is_open = guesses.wrong <= WRONG_PER_HOUR\n",
        "test_wrong_codes_are_counted_by_address_and_then_even_a_right_one_waits",
    ),
    _enrolment(
        "scopes nobody knows",
        "a code is made for scopes that do not exist",
        "    if unknown or not scopes:\n",
        "    if not scopes:\n",
        "test_a_code_without_a_known_scope_is_not_made",
    ),
    database(
        "one_open_code_per_terminal",
        5,
        "UNIQUE `one_open_code_per_terminal` dropped",
        without_index("one_open_code_per_terminal"),
        CONSTRAINTS,
    ),
    database(
        "code_expires_after_creation",
        5,
        "CHECK `code_expires_after_creation` dropped",
        without_constraint("merchants_enrolmentcode", "code_expires_after_creation"),
        CONSTRAINTS,
    ),
)
OF_KEYS: tuple[Mutation, ...] = (
    _key(
        "a revoked key",
        "a key is good after its rotation",
        "   AND (k.revoked_at IS NULL OR k.revoked_at > %(at)s)\n",
        "",
        "test_a_spoilt_key_is_as_good_as_none",
    ),
    _key(
        "a key after its overlap",
        "a key is good after its end",
        "   AND (k.expires_at IS NULL OR k.expires_at > %(at)s)\n",
        "",
        "test_the_identity_survives_rotation",
    ),
    _key(
        "a suspended caller",
        "the key of a suspended credential is good",
        " WHERE k.key_sha256 = %(key_sha256)s\n",
        " WHERE k.key_sha256 = %(key_sha256)s OR c.state = 'suspended'\n",
        "test_a_spoilt_key_is_as_good_as_none",
    ),
    _key(
        "a suspended till calls",
        "the key of a suspended till is good",
        "   AND (c.terminal_id IS NULL OR t.state = 'active')\n",
        "",
        "test_a_spoilt_key_is_as_good_as_none",
    ),
    _key(
        "a test key of a live caller",
        "a key says itself whether it is of the sandbox",
        "c.state = 'active' AND c.is_test = %(is_test)s",
        "c.state = 'active' AND %(is_test)s IS NOT NULL",
        "test_a_spoilt_key_is_as_good_as_none",
    ),
    source(
        "who was switched off is remembered",
        5,
        "a suspended channel has codes presented while a cache remembers it",
        "merchants/auth.py",
        "= CALLERS.get_now)",
        "= CALLERS.get)",
        "tests/api/test_switches.py",
    ),
    source(
        "every scope",
        5,
        "Django's door does not ask for the scope of a key",
        "merchants/auth.py",
        "        if self.scope not in request.auth.scopes:\n",
        "        if self.scope in self.scope[:-1]:\n",
        f"{AUTH}::test_scopes_open_doors",
    ),
    source(
        "every scope in the express lane",
        5,
        "the express lane does not ask for the scope of a key",
        "vouchers/express/__init__.py",
        "        if wanted not in caller.scopes:\n",
        "        if not wanted:\n",
        "tests/express/test_doors.py::test_keys_that_may_not_redeem",
    ),
    source(
        "a till everywhere",
        5,
        "a terminal without a store may act for every store of its merchants",
        "merchants/auth.py",
        "frozenset(stores) if stores or kind == TERMINAL else None",
        "frozenset(stores) if stores else None",
        f"{AUTH}::test_a_till_without_a_store_acts_for_none",
    ),
)
OF_OWN_NUMBERS: tuple[Mutation, ...] = (
    Mutation(
        "another's own numbers",
        5,
        "the own numbers of one caller are another's too",
        [f"{NUMBERS}::test_the_numbers_of_another_caller_mean_nothing"],
        patches=[
            Patch(
                "vouchers/models/redemption/own_numbers.py",
                "SELECT o.credential_id, wanted.store_no",
                "SELECT wanted.credential_id, wanted.store_no",
            ),
            Patch(
                "vouchers/models/redemption/own_numbers.py",
                "ON o.credential_id = wanted.credential_id",
                "ON true",
            ),
        ],
    ),
    source(
        "own numbers in small letters",
        5,
        "own numbers are compared as they are written",
        "vouchers/models/redemption/own_numbers.py",
        "upper(o.store_no) = wanted.store_no",
        "o.store_no = wanted.store_no",
        f"{NUMBERS}::test_an_order_is_redeemed_where_the_own_numbers_say",
    ),
    source(
        "looked up by the engine's number only",
        5,
        "a look-up takes an own number for the engine's",
        "vouchers/api/redemption/lookups.py",
        "        merchant=place.merchant or None,\n",
        "",
        "tests/express/test_lookups.py::test_an_integrator_looks_up_by_its_own_store_number",
    ),
    _number(
        "a till's own number",
        "an own number of a till means nothing",
        "    if till is not None and given.terminal:\n",
        "    if till is not None and not given.terminal:\n",
        "test_an_order_is_redeemed_where_the_own_numbers_say",
    ),
    _number(
        "a store's own number",
        "an own number of a store means nothing",
        "    if store is not None:\n",
        "    if store is given:\n",
        "test_a_reversal_and_a_refund_go_by_them_too",
    ),
    database(
        "own_till_number_names_a_till",
        5,
        "CHECK `own_till_number_names_a_till` dropped",
        without_constraint("merchants_ownnumber", "own_till_number_names_a_till"),
        CONSTRAINTS,
    ),
    database(
        "one_store_per_own_number",
        5,
        "UNIQUE `one_store_per_own_number` dropped",
        without_index("one_store_per_own_number"),
        CONSTRAINTS,
    ),
)
OF_SHEDDING: tuple[Mutation, ...] = (
    _shedding(
        "a key asks without end",
        "a key that asks too often is not told to wait",
        "is_over=used > limit and not self._is_dead",
        "is_over=False",
        "test_a_key_is_rate_limited_after_too_many_calls",
    ),
    _shedding(
        "processes count apart",
        "what other processes counted of a key is not known",
        "            count.known = count.item.amount - window.remaining\n",
        "            count.known = 0\n",
        "test_processes_count_together",
    ),
    source(
        "a batch for one call",
        9,
        "a batch of five hundred orders counts as one request",
        "vouchers/api/throttle.py",
        "requests=lines - 1)",
        "requests=0)",
        "tests/express/test_shedding.py::test_a_batch_counts_as_many_calls_as_it_has_lines",
    ),
    source(
        "unshed in the express lane",
        9,
        "the express lane lets every request through",
        "vouchers/express/__init__.py",
        "        if standing is not None and standing.is_over:\n",
        "        if standing is not None and standing.limit < 0:\n",
        "tests/express/test_shedding.py",
    ),
    source(
        "unshed at Django's door",
        9,
        "Django's door lets every request through",
        "vouchers/api/throttle.py",
        "        return standing is None or not standing.is_over\n",
        "        return True\n",
        "tests/express/test_shedding.py",
    ),
)
OF_CALLERS: tuple[Mutation, ...] = (
    *OF_ENROLMENT,
    *OF_KEYS,
    *OF_OWN_NUMBERS,
    *OF_SHEDDING,
)
