"""Risk rules in words: every figure has a name and a unit, every rule a sentence."""

import re

import pytest
from django.utils import translation

from tests.support.risk import rule
from vouchers.admin.faults import sentence
from vouchers.admin.rule_words import WORDS, rule_text, sentence_of
from vouchers.models.limits.risk import RISK_SETTINGS, RISK_VERDICTS
from vouchers.rules.limits.back_test import check_back_test
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule, check_rule
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

PLACE = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("kind", RiskKind)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_parameter_has_its_words_and_its_place_in_the_sentence(
    kind: RiskKind, language: str
) -> None:
    with translation.override(language):
        words = WORDS[kind]
        assert words.figures.keys() == PARAMETERS[kind].keys()
        assert set(PLACE.findall(str(words.sentence))) == set(PARAMETERS[kind])
        labels = [str(figure.label) for figure in words.figures.values()]
        assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("kind", "figures", "english", "chinese"),
    [
        (
            RiskKind.NIGHT_HOURS,
            {"from_hour": 22, "to_hour": 6},
            "At night, from 22:00 to 06:00",
            "夜间，22:00 至 06:00",
        ),
        (
            RiskKind.NIGHT_HOURS,
            {"from_hour": 0, "to_hour": 0},
            "At night: never, it begins and ends at 00:00",
            "夜间：起止均为 00:00，不会触发",
        ),
        (
            RiskKind.MERCHANT_DAY,
            {"fen": 1_000_000},
            "More than ¥10,000.00 of subsidy a day at one merchant",
            "同一商户一天内补贴超过 ¥10,000.00",
        ),
        (
            RiskKind.TERMINAL_ROAMING,
            {"stores": 1},
            "One till number that is not on file, in more than 1 store a day",
            "同一未登记的收银机编号一天内出现在超过 1 家门店",
        ),
        (
            RiskKind.IMPOSSIBLE_TRAVEL,
            {"metres": 1_500, "km_per_hour": 120},
            "One person at two stores more than 1,500 m apart, sooner than at 120 km/h",
            "同一人现身相距超过 1,500 米的两店，所需速度超过 120 公里/小时",
        ),
    ],
)
def test_a_rule_is_a_sentence(
    kind: RiskKind, figures: dict[str, int], english: str, chinese: str
) -> None:
    with translation.override("en"):
        assert sentence_of(kind, figures) == english
    with translation.override("zh-hans"):
        assert sentence_of(kind, figures) == chinese


@pytest.mark.parametrize(
    ("setting", "verdict", "ending"),
    [
        (RiskSetting.OFF, RiskVerdict.REFUSE, " · off"),
        (
            RiskSetting.SHADOW,
            RiskVerdict.HOLD,
            " · only watched (shadow); once in force: pay, hold the merchant's money",
        ),
        (RiskSetting.LIVE, RiskVerdict.REFUSE, " · in force: refuse"),
    ],
)
def test_the_sentence_ends_with_what_is_done(
    setting: RiskSetting, verdict: RiskVerdict, ending: str
) -> None:
    told = rule(RiskKind.TERMINAL_MINUTE, orders=10, setting=setting, verdict=verdict)
    with translation.override("en"):
        assert rule_text(told.document) == f"More than 10 orders a minute at one till{ending}"


def test_no_word_of_the_program_is_left_in_a_sentence() -> None:
    """Names of parameters, settings and kinds are for programs."""
    names = {name for parameters in PARAMETERS.values() for name in parameters if "_" in name}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            for kind in RiskKind:
                for setting, _name in RISK_SETTINGS:
                    for verdict, _word in RISK_VERDICTS:
                        made = rule(
                            kind, setting=RiskSetting(setting), verdict=RiskVerdict(verdict)
                        )
                        text = rule_text(made.document)
                        assert not any(word in text for word in {*names, "=", "%(", *RiskKind})


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_refusal_of_a_rule_names_what_the_program_calls_it(language: str) -> None:
    good = [rule(kind) for kind in RiskKind]
    broken = [each._replace(parameters={}) for each in good] + [
        each._replace(parameters={**each.parameters, name: bounds.most + 1})
        for each in good
        for name, bounds in PARAMETERS[each.kind].items()
    ]
    # Words of the language as well.
    names = {name for kind in RiskKind for name in (kind.value, *PARAMETERS[kind])}
    names -= {"orders", "people", "stores", "minutes", "metres"}
    with translation.override(language):
        for each in broken:
            refusal = check_rule(each)
            assert refusal is not None
            said = sentence(refusal, language)
            assert not [name for name in names if re.search(rf"\b{name}\b", said)], said
            assert "{" not in said


@pytest.mark.parametrize(
    ("language", "parameters", "said"),
    [
        ("en", {"fen": -1}, "“Normal subsidy in a day up to” of the rule “"),
        ("en", {"fen": -1}, "must lie between ¥0.00 and ¥100,000,000.00."),
        ("zh-hans", {"fen": -1}, "须在 ¥0.00 与 ¥100,000,000.00 之间。"),
        ("en", {}, "needs these figures and no others: Normal subsidy in a day up to (yuan)."),
        ("zh-hans", {}, "须有且仅有以下数值："),
    ],
)
def test_a_refused_rule_says_which_figure_is_wrong_and_what_it_may_be(
    language: str, parameters: dict[str, int], said: str
) -> None:
    refusal = check_rule(
        RiskRule(RiskKind.MERCHANT_DAY, RiskSetting.LIVE, RiskVerdict.HOLD, parameters)
    )
    assert refusal is not None
    with translation.override(language):
        assert said in sentence(refusal, language)


def test_a_rule_that_cannot_be_tried_is_called_by_its_name() -> None:
    refusal = check_back_test(rule(RiskKind.STORE_DISTANCE), 1)
    assert refusal is not None
    with translation.override("en"):
        assert "store_distance" not in sentence(refusal, "en")
