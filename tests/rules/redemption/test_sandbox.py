"""Every refusal that an order can get is forced by an amount of its own, in the sandbox alone."""

import re
from datetime import timedelta

import pytest

from tests.support.cast import NOON
from vouchers.errors import CATALOGUE, explain
from vouchers.rules.redemption.sandbox import FIRST_FEN, FORCED, Forced, forced_refusal
from vouchers.services.redemption.requests import MAX_AMOUNT_FEN

ZONE = "Asia/Shanghai"
# Refusals of the key, or of later calls: made by what a till does, not by an order's amount.
BY_DOING = {"unauthenticated", "not_found", "redemption_state", "refund_too_large"}


def test_every_code_of_a_till_and_every_rule_of_it_has_an_amount() -> None:
    forced = {(it.code, it.rule) for it in FORCED}
    wanted = {
        (meaning.code, rule)
        for meaning in CATALOGUE.values()
        if meaning.audience == "till" and meaning.code not in BY_DOING
        for rule in meaning.by_rule
        # A link's limit is worded as its resident's is; rounds are met in claims alone.
        if rule not in {"link_campaign", "resident_round", "round_over", "round_not_open"}
    }
    assert wanted <= forced
    codes = {it.code for it in CATALOGUE.values() if it.audience == "till"} - BY_DOING
    assert codes == {code for code, _ in forced}


def test_amounts_are_numbered_from_the_first_and_can_be_sent() -> None:
    assert [it.amount_fen for it in FORCED] == list(range(FIRST_FEN, FIRST_FEN + len(FORCED)))
    assert FORCED[-1].amount_fen <= MAX_AMOUNT_FEN


@pytest.mark.parametrize("forced", FORCED, ids=lambda it: f"{it.code} {it.rule}")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sentence_has_all_its_facts(forced: Forced, language: str) -> None:
    refusal = forced.refusal(NOON, ZONE)
    wording = CATALOGUE[refusal.code].wording(refusal.rule)
    asked = set(re.findall(r"{(\w+)}", wording.en))
    given = {name.removesuffix("_fen") for name in refusal.facts} | set(refusal.facts)
    assert asked <= given
    assert "–" not in explain(refusal, language)


def test_instants_follow_the_orders_own() -> None:
    refusal = forced_refusal(FIRST_FEN + 3, at=NOON + timedelta(days=7), zone=ZONE)
    assert refusal is not None
    assert refusal.facts["valid_from_at"] == "2026-04-09T12:00:00+08:00"


def test_any_other_amount_forces_nothing() -> None:
    for amount_fen in (1, FIRST_FEN - 1, FORCED[-1].amount_fen + 1):
        assert forced_refusal(amount_fen, at=NOON, zone=ZONE) is None
