"""Lists without a row: what they will hold and what to do for it, or how to see the others."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from merchants.admin.lists import KeysetLists

pytestmark = pytest.mark.django_db

HOLDS = "admin:vouchers_hold_changelist"


def test_every_empty_list_says_what_to_do_next(root: Client) -> None:
    for model, page in admin.site._registry.items():
        assert isinstance(page, KeysetLists)
        assert page.nothing_yet, model
    for language, said in (
        ("en", "No money is held. It is held from a case"),
        ("zh-hans", "没有冻结的资金。可在核查单或核销记录页冻结。"),
    ):
        root.cookies.load({"django_language": language})
        assert said in root.get(reverse(HOLDS)).content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"q": "4711"}, "Numbers are found whole: compare every digit."),
        ({"released_at__isempty": "1"}, "Nothing matches these filters."),
        ({"after": "1"}, "The list ends here."),
    ],
)
def test_a_list_that_is_narrowed_to_nothing_says_so_and_leads_back(
    root: Client, given: dict[str, str], said: str
) -> None:
    root.cookies.load({"django_language": "en"})
    page = root.get(reverse(HOLDS), given).content.decode()
    assert said in page
    assert '<a class="font-medium text-primary-600 dark:text-primary-500" href="?">' in page
