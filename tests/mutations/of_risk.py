"""Mutations of the risk rules, of their tallies, of what they hold and who is told; of the
switches."""

from tests.mutations.mutation import Mutation, database, source, without_constraint, without_trigger

RULES = "vouchers/rules/limits"
TILLS = "vouchers/rules/redemption/tills.py"
SERVICES = "vouchers/services"
KINDS = "tests/services/limits/test_risk.py"
VERDICTS = "tests/services/limits/test_risk_verdicts.py"
PURE = "tests/rules/limits/test_risk.py"
GUARDS = "tests/models/test_guards.py"
LOCKS = "tests/concurrency/test_locks.py"
STOPS = "tests/services/campaigns/test_stops.py"
SWITCHES = "tests/concurrency/test_switches.py"
AREAS = "tests/pages/live/test_areas.py"


def _figure(name: str, broken: str, old: str, new: str, *tests: str) -> Mutation:
    return source(name, 9, broken, f"{RULES}/risk.py", old, new, *tests)


OF_RISK: tuple[Mutation, ...] = (
    _figure(
        "one over at a till",
        "a till's redemption at hand is not counted",
        "TallyKind.TERMINAL_MINUTE).redemptions + 1",
        "TallyKind.TERMINAL_MINUTE).redemptions",
        f"{KINDS}::TestTerminalMinute",
    ),
    _figure(
        "the subsidy at hand forgotten",
        "a merchant's day does not count the order at hand",
        "TallyKind.MERCHANT_DAY).fen + seen.discount_fen",
        "TallyKind.MERCHANT_DAY).fen",
        f"{KINDS}::TestMerchantDay",
    ),
    _figure(
        "a new face not counted",
        "the resident at hand is not one of a device's people",
        "TallyKind.DEVICE_HOLDERS).redemptions + is_new",
        "TallyKind.DEVICE_HOLDERS).redemptions",
        f"{KINDS}::TestDeviceShared",
    ),
    _figure(
        "far is near",
        "a voucher may be shown from anywhere",
        'if not is_farther_m(*store, *shown, limits["metres"]):',
        "if True:",
        f"{KINDS}::TestStoreDistance",
    ),
    _figure(
        "faster than people travel",
        "a person may be anywhere at once",
        "    if not is_farther_m(*there, *here, reach_m):\n        return None\n",
        "    if reach_m >= 0:\n        return None\n",
        f"{KINDS}::TestImpossibleTravel",
    ),
    _figure(
        "half is too much",
        "the share of orders at the threshold is exclusive",
        'hugging * 100 <= limits["share_percent"] * orders',
        'hugging * 100 < limits["share_percent"] * orders',
        f"{KINDS}::TestThresholdHugging",
    ),
    _figure(
        "split at the tenth minute",
        "the minutes between split orders are exclusive",
        'if elapsed_s > limits["minutes"] * 60:',
        'if elapsed_s >= limits["minutes"] * 60:',
        f"{KINDS}::TestSplitOrders",
    ),
    _figure(
        "no night over midnight",
        "a night over midnight never is",
        "else not end <= local.hour < start",
        "else False",
        f"{PURE}::TestNight",
        f"{KINDS}::TestNightHours",
    ),
    _figure(
        "few people are many",
        "the people at a till are not compared",
        'if orders < limits["orders"] or people > limits["people"]:',
        'if orders < limits["orders"]:',
        f"{KINDS}::TestFewPeople",
    ),
    _figure(
        "tills roam",
        "the store at hand is not one of a till's stores",
        "TallyKind.TERMINAL_STORES_DAY).redemptions + is_new",
        "TallyKind.TERMINAL_STORES_DAY).redemptions",
        f"{KINDS}::TestTerminalRoaming",
    ),
    source(
        "invented numbers are tills",
        9,
        "a number that no till of the store has is tallied as a till of its own",
        TILLS,
        'return cls(code, "" if code else named, is_off)',
        'return cls(code or named, "", is_off)',
        f"{KINDS}::TestTerminalMinute",
    ),
    source(
        "an enrolled till's word",
        9,
        "an enrolled till is the one that its orders name",
        TILLS,
        "        if enrolled:\n",
        "        if enrolled and not named:\n",
        f"{KINDS}::TestTerminalMinute",
    ),
    source(
        "refunds not counted",
        9,
        "a refund does not count against its store",
        f"{SERVICES}/redemption/refund.py",
        "            count_refund(_refunds_of(facts.locked.redemption), facts.refunds)\n",
        "            pass\n",
        f"{KINDS}::TestRefundRate",
    ),
    _figure(
        "shadow bites",
        "a rule in shadow decides",
        "found.rule.setting is RiskSetting.LIVE",
        "found.rule.setting is not RiskSetting.OFF",
        f"{VERDICTS}::TestShadow",
        f"{PURE}::TestVerdict",
    ),
    source(
        "a second person not counted",
        9,
        "only the first resident of a device is counted",
        f"{RULES}/tallies.py",
        "if pair in case.keys and not seen.is_first(pair):",
        "if pair in case.keys and not seen.is_first(number):",
        f"{KINDS}::TestDeviceShared",
        f"{PURE}::TestCounting",
    ),
    source(
        "a batch forgets what it tallied",
        9,
        "redemptions of one batch do not count for each other",
        f"{SERVICES}/limits/risk.py",
        "            self._tallies.update(after)\n",
        "",
        f"{KINDS}::TestTerminalMinute::test_in_one_batch_they_add_up",
    ),
    source(
        "tallies unlocked",
        9,
        "tallies are read without their lock",
        f"{SERVICES}/limits/risk.py",
        '    LOCK_COUNTERS.send(raw, {"keys": sorted(locked)})',
        "    return",
        f"{LOCKS}::test_a_till_waits_for_the_session_that_tallies_and_holds_no_later_tally",
    ),
    source(
        "tallies locked last used first",
        9,
        "the lock order swapped: tallies are locked from the last to the first",
        f"{SERVICES}/limits/risk.py",
        '{"keys": sorted(locked)}',
        '{"keys": sorted(locked, reverse=True)}',
        f"{LOCKS}::test_a_till_waits_for_the_session_that_tallies_and_holds_no_later_tally",
    ),
    source(
        "signals of the paid only",
        9,
        "a refused order leaves no signal",
        f"{SERVICES}/redemption/batch_effects.py",
        "for v in verdicts if v.case and v.findings]",
        "for v in verdicts if v.case and v.findings and v.effect]",
        f"{VERDICTS}::TestRefuse",
    ),
    source(
        "held on paper",
        1,
        "a hold by rule moves no money",
        f"{SERVICES}/redemption/batch_effects.py",
        "                postings.append(hold_posting(hold_id, one, effect.terms.campaign))\n",
        "                ids.pop()\n",
        f"{VERDICTS}::TestHold",
    ),
    source(
        "a capture forgets the hold",
        1,
        "what a rule wanted held is paid when it is captured",
        f"{SERVICES}/redemption/capture.py",
        "        _hold(signal, locked, decision, order.at)\n",
        "        pass\n",
        f"{VERDICTS}::TestHold::test_of_an_authorisation_the_money_is_held_when_it_is_captured",
    ),
    source(
        "the till learns the rule",
        9,
        "a refusal by a risk rule names the rule",
        "vouchers/errors/till.py",
        '顾客可致电服务热线查询。",\n        "city",\n        is_opaque=True,\n',
        '顾客可致电服务热线查询。",\n        "city",\n',
        f"{VERDICTS}::TestRefuse",
    ),
    source(
        "rules overtaken",
        6,
        "risk rules that changed meanwhile are overwritten",
        f"{RULES}/risk_rules.py",
        "    if in_force != expected:\n",
        "    if in_force < expected:\n",
        f"{VERDICTS}::TestVersions::test_rules_that_changed_meanwhile_are_not_overwritten",
    ),
    database(
        "rules without an approval",
        6,
        "trigger `risk_version_was_approved` dropped",
        without_trigger("vouchers_riskversion", "risk_version_was_approved"),
        f"{GUARDS}::test_every_trigger_refuses_what_breaks_it",
    ),
    database(
        "tallies fall",
        9,
        "trigger `tally_never_falls` dropped",
        without_trigger("vouchers_risktally", "tally_never_falls"),
        f"{GUARDS}::test_every_trigger_refuses_what_breaks_it",
    ),
    database(
        "two versions of one number",
        6,
        "UNIQUE `one_risk_version_per_number` dropped",
        without_constraint("vouchers_riskversion", "one_risk_version_per_number"),
        f"{GUARDS}::test_every_constraint_refuses_what_breaks_it",
    ),
    source(
        "a switch seen late",
        9,
        "a suspended till redeems while a cache remembers it",
        f"{SERVICES}/redemption/batch_judge.py",
        "        if request.caller.credential_id in self._facts.switched_off:\n"
        "            return Verdict(pending, SWITCHED_OFF)\n",
        "",
        f"{SWITCHES}::test_what_is_sent_after_the_switch_is_refused",
    ),
    source(
        "alerts for every district",
        6,
        "an open stream tells who watches one district the alerts of all",
        "vouchers/pages/live/poller.py",
        "client for client in clients if client.area.covers(alert.district, alert.street)\n",
        "client for client in clients\n",
        f"{AREAS}::test_an_open_stream_tells_of_its_own_area_alone",
    ),
    source(
        "missed alerts of every district",
        6,
        "who comes back to the live screen of one district is told what was missed of all",
        "vouchers/pages/live/stream.py",
        "        area=viewer.area,\n",
        "",
        f"{AREAS}::test_who_comes_back_is_told_what_was_missed_of_the_own_area_alone",
    ),
    source(
        "the page of every district's alerts",
        6,
        "the live screen of one district is made with the alerts of all",
        "vouchers/pages/live/views.py",
        "alerts_since(Cursor(), area=area, most=ALERTS_SHOWN)",
        "alerts_since(Cursor(), most=ALERTS_SHOWN)",
        f"{AREAS}::test_the_page_shows_alerts_of_its_area_alone",
    ),
    source(
        "a stopped till under another key",
        9,
        "a suspended till goes on redeeming under its merchant's key",
        TILLS,
        'return cls(code, "" if code else named, is_off)',
        'return cls(code, "" if code else named)',
        f"{STOPS}::TestTill",
    ),
    source(
        "a quote of who is switched off",
        9,
        "a suspended caller is quoted prices while a cache remembers it",
        f"{SERVICES}/redemption/batch_judge.py",
        "            return SWITCHED_OFF\n        store",
        "            pass\n        store",
        f"{STOPS}::TestTill",
    ),
)
