"""The report of a campaign: one file, in either language, that says what the books say."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import issue_vouchers, order, redeem
from vouchers.models import Campaign, CampaignStore
from vouchers.pages.report.document import INVARIANTS, report_html
from vouchers.queries.ledger.balances import identity_rows
from vouchers.queries.proofs.report import CampaignReport, report_of
from vouchers.rules.issuing.priority import SMALL_SHOP
from vouchers.rules.proofs.anonymity import Group, Publishable
from vouchers.services.proofs.audit import audit, record

pytestmark = pytest.mark.django_db

PEOPLE = 12


@pytest.fixture(scope="module")
def campaign(rows_of_module: None) -> Campaign:
    """Twelve people have used a voucher of ¥20 on Nanjing Road, four of them of 60 and over; one
    did in Xujiahui; and a voucher was shown twice."""
    campaign = cast.running_campaign(limits={})
    people = [cast.resident(f"p{number}") for number in range(PEOPLE)]
    for person in people[:4]:
        person.birth_year = 1950
        person.save(update_fields=["birth_year"])
    vouchers = issue_vouchers(campaign, [*people, cast.resident("p0")])
    shown = [
        order(voucher, cast.nanjing_road(), person)
        for voucher, person in zip(vouchers, people, strict=False)
    ]
    again = order(vouchers[-1], cast.xujiahui(), people[0])
    answers = redeem(requests=[*shown, again, order(vouchers[0], cast.xujiahui(), people[0])])
    assert [answer.status for answer in answers] == [201] * (PEOPLE + 1) + [409]
    record(report=audit(at=NOON, seed=1))
    return campaign


@pytest.fixture(scope="module")
def report(campaign: Campaign) -> CampaignReport:
    return report_of(campaign, at=NOON)


def written(campaign: Campaign, directory: Path, language: str) -> str:
    path = directory / "report.html"
    with translation.override("en"):
        call_command("report", campaign.code, str(path), "--language", language)
    return path.read_text(encoding="utf-8")


def test_small_shops_are_the_stores_that_take_part_as_such(campaign: Campaign) -> None:
    """Nanjing Road took twelve of the thirteen vouchers; its merchant has other stores as well."""
    assert report_of(campaign, at=NOON).small_shops_pct == 0
    nanjing_road = CampaignStore.objects.filter(campaign=campaign, store=cast.nanjing_road())
    nanjing_road.update(category=SMALL_SHOP)
    assert report_of(campaign, at=NOON).small_shops_pct == pytest.approx(100 * 12 / 13)


def test_the_figures_are_those_of_the_books(campaign: Campaign, report: CampaignReport) -> None:
    (row,) = identity_rows(campaign.pk)
    assert report.identity == [row]
    assert [day.redeemed_count for day in report.days] == [PEOPLE + 1]
    assert sum(day.issued_fen for day in report.days) == 2_000 * (PEOPLE + 1)
    assert report.refusals == [("voucher_redeemed", 1)]


def test_a_store_with_one_shopper_is_suppressed(report: CampaignReport) -> None:
    assert report.stores.shown == ()
    assert report.stores.others is not None
    assert report.stores.others.count == PEOPLE + 1


def test_a_share_of_four_people_is_not_shown(report: CampaignReport) -> None:
    assert report.elders_pct is None


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        ("en", ["Where the money is", "What was refused", "What this report does not prove"]),
        ("zh-hans", ["资金去向", "拒绝情况", "本报告不能证明的事项"]),
    ],
)
def test_it_is_one_file_that_loads_nothing(
    campaign: Campaign, tmp_path: Path, language: str, heads: list[str]
) -> None:
    page = written(campaign, tmp_path, language)

    HTMLParser().feed(page)
    assert [head for head in heads if f"<h2>{head}</h2>" not in page] == []
    assert "default-src 'none'" in page
    assert re.findall(r"<script|<link|<img|\bsrc=|url\((?!#)|@import", page) == []
    assert set(re.findall(r"https?://[^\"' <]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "¥260.00" in page


def test_names_are_text_not_markup(campaign: Campaign, tmp_path: Path) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(name="<b>春</b>")
    page = written(campaign, tmp_path, "en")
    assert "<b>春" not in page
    assert "&lt;b&gt;春" in page


def test_the_map_has_its_numbers_by_district_and_street(report: CampaignReport) -> None:
    """A figure of several places together counts at least so many people."""
    district = Group(310101, "黄浦区", 60, 64, 128_000, 500_000)
    street = Group(310101001, "外滩街道", 45, 48, 96_000, 400_000)
    others = Group(None, "", 11, 16, 32_000, 100_000)
    page = report_html(
        replace(
            report,
            districts=Publishable((district,), others),
            streets={310101: Publishable((street,), others)},
        ),
        language="zh-hans",
    )
    cells = re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>', page)
    assert [row for row in cells if "区" in row[0] or "其余" in row[0]] == [
        ("黄浦区", "60", "64"),
        ("黄浦区 · 外滩街道", "45", "48"),
        ("黄浦区 · 其余合计", "≥ 11", "16"),
        ("其余合计", "≥ 11", "16"),
    ]


def test_every_invariant_that_the_audit_checks_has_words(report: CampaignReport) -> None:
    assert report.audit is not None
    checked = {finding["invariant"] for finding in report.audit.report["findings"]}
    assert checked == INVARIANTS.keys()


def test_without_an_audit_it_says_that_nothing_is_proven(report: CampaignReport) -> None:
    page = report_html(replace(report, audit=None), language="en")
    assert "nothing in this report is proven" in page


def test_a_place_that_cannot_be_written_is_named(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("report", campaign.code, str(tmp_path / "nowhere" / "report.html"))


def test_the_control_group_is_counted_where_the_terms_ask_for_one(report: CampaignReport) -> None:
    assert "Control group" not in report_html(report, language="en")
    campaign = Campaign.objects.get(pk=report.campaign.pk)
    campaign.hold_out_bp = 2_000
    asked = replace(report, campaign=campaign, held_out=1_234)
    assert "1,234" in report_html(asked, language="en")
    few = report_html(replace(asked, held_out=9), language="en")
    assert "Control group" in few
    assert "reached, and left out to compare with" in few
    assert "1,234" not in few
