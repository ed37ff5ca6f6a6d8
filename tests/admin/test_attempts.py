"""The page of a refused attempt says its facts in words."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers.admin.limits.attempt_facts import NAMES, facts_in_words
from vouchers.admin.limits.case_words import NOTICED
from vouchers.errors import CATALOGUE
from vouchers.models import Attempt, Campaign
from vouchers.rules.redemption.sandbox import FORCED

IN_TEXT = re.compile(r"\{([a-z_]+)\}")
IN_NOTICE = re.compile(r"%\(([a-z_]+)\)s")


def said_at_tills() -> set[str]:
    """Every fact that a text for a till or channel names."""
    texts = {
        text
        for meaning in CATALOGUE.values()
        if meaning.audience in {"till", "channel"}
        for rule in ("", *meaning.by_rule)
        for text in (meaning.wording(rule).en, meaning.wording(rule).zh)
    }
    return {name.removesuffix("_zh") for text in texts for name in IN_TEXT.findall(text)}


def test_every_fact_of_a_refusal_at_a_till_has_a_name() -> None:
    forced = {name for one in FORCED for name in (*one.facts, one.instant) if name}
    noticed = {name for text in NOTICED.values() for name in IN_NOTICE.findall(str(text))}
    units = ("", "_fen", "_m", "_s")
    nameless = {
        name
        for name in forced | noticed | said_at_tills()
        if not any(f"{name}{unit}" in NAMES for unit in units)
    }
    assert not nameless


def test_facts_are_said_with_their_units() -> None:
    facts = {
        "threshold_fen": 30_000,
        "next_at": "2026-12-01T10:00:00+08:00",
        "distance_m": 4_100,
        "wait_s": 90,
        "device": "device-4711",
        "of_a_later_version": 7,
    }
    with translation.override("en"):
        said = dict(facts_in_words(facts))
    assert said == {
        "threshold": "¥300",
        "possible again from": "1 December, 10:00",
        "distance": "4,100 m",
        "to wait": "1 minute 30 seconds",
        "device": "de…11",
        "of_a_later_version": "7",
    }


@pytest.mark.django_db
def test_the_page_of_an_attempt_says_its_facts_in_the_readers_language(town: Campaign) -> None:
    client: Client = signed_in(cast.member("olga", "operator"))
    client.cookies.load({"django_language": "zh-hans"})
    attempt = Attempt.objects.latest("id")
    page = client.get(reverse("admin:vouchers_attempt_change", args=[attempt.pk]))
    assert "订单号：" in page.content.decode()
    assert "order_no" not in page.content.decode()
