"""The demo from an empty database to the summary, step by step."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings
from django.db import connection
from django.utils import timezone

from vouchers.demo import day, page, summary
from vouchers.demo.campaign import (
    CODE,
    TIERS,
    TRIAL,
    TRIAL_VALIDITY_S,
    VALIDITY_S,
    Plan,
    distribute,
    free_code,
    set_up,
    store_limit,
)
from vouchers.demo.city import build_city, found_districts
from vouchers.demo.group import Group, open_group
from vouchers.demo.people import Staff, hire
from vouchers.demo.telling import Teller, patiently
from vouchers.models import Campaign, Run, Settlement
from vouchers.money import yuan
from vouchers.pages.report.document import report_html
from vouchers.queries.proofs.report import report_of
from vouchers.rules.limits.limits import business_day
from vouchers.services.proofs.audit import Report, audit, record
from vouchers.services.settlement.days import settle_and_pay_day

FEWEST_RESIDENTS: Final = 2_000
SEED_BITS: Final = 31


class ForeignDatabaseError(RuntimeError):
    """The database holds data that is not the demo's."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    residents: int
    stores_file: Path | None
    port: int


class Processes(Protocol):
    """The running web server, worker and beat. Methods raise when they can't be kept running."""

    @property
    def restarts(self) -> dict[str, int]:
        """How often each had to be started again, by name."""

    def check(self) -> None:
        """Whether all can be kept running."""

    def wait_ready(self) -> None:
        """Wait until the web server answers."""


@dataclass(frozen=True, slots=True)
class _Campaigns:
    """The campaign, and a small one whose vouchers are over before the day begins."""

    main: Campaign
    trial: Campaign


@dataclass(frozen=True, slots=True)
class Told:
    """How the story ended: whether all is as it must be, who can log in, and what comes after it
    to be seen on the live screen."""

    is_good: bool
    staff: Staff
    ring_returns: Callable[[], None]


def run_story(wishes: Wishes, teller: Teller, running: Processes) -> Told:
    """Play the whole story.

    Every run adds a campaign of its own (demo, demo-2, …) to the city that is there.
    """
    directory: Path = settings.HUIMIN_LOCAL_DIR / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    with teller.step("A city", "城市"), teller.bar("residents 居民", wishes.residents) as advance:
        # Real stores would be marked as lying outside districts that are made up.
        streets = found_districts(directory=directory, is_drawn=wishes.stores_file is None)
        residents = build_city(residents=wishes.residents, at=timezone.now(), on_progress=advance)
        teller.say(f"16 districts 区, {streets} streets 街镇, {residents:,} residents 居民")
    with teller.step("A retail group", "商业集团"):
        group = _open_group(wishes, directory, teller)
    staff = hire(directory, at=timezone.now())
    orders = day.planned_orders(residents=wishes.residents, group=group)
    per_minute = store_limit(orders=orders, group=group)
    with teller.step("A campaign of ¥5,000,000", "五百万元活动"):
        campaigns = _launch(group, staff, per_minute, teller)
    with teller.step("Targeting and distribution by the worker", "定向发放"):
        run = _distribute(campaigns, staff, running, teller)
    running.wait_ready()
    since = timezone.now()
    with teller.step("The merchant day, over HTTP", "商户营业日"):
        played = _play(campaigns, group, wishes.port, orders, per_minute, running, teller)
    with teller.step("Settlement of the day", "当日结算"):
        settlements = patiently(lambda: _settle(campaigns.main))
    with teller.step("Audit of the books", "账本审计"), teller.bar("audit 审计", None):
        audited = patiently(_audit)
    report = patiently(
        lambda: summary.sum_up(
            campaign=campaigns.main,
            run=run,
            day=played,
            settlements=settlements,
            report=audited,
            restarts=running.restarts,
            since=since,
        )
    )
    page.show(report, teller.console)
    summary.write(report, directory / "summary.json")
    _write_page(campaigns.main, directory / "report.html", teller)
    ring_returns = partial(
        day.ring_returns,
        campaign=campaigns.main,
        group=group,
        port=wishes.port,
        per_minute=per_minute,
    )
    return Told(report.is_good, staff, ring_returns)


def check_database() -> None:
    """Raise ForeignDatabaseError for a database with campaigns that no demo has made."""
    if Campaign._meta.db_table not in connection.introspection.table_names():
        return
    if Campaign.objects.exclude(code__startswith=CODE).exists():
        raise ForeignDatabaseError(
            "This database holds campaigns that are not the demo's: use another one (or another"
            " HUIMIN_LOCAL_DIR)."
        )


def _open_group(wishes: Wishes, directory: Path, teller: Teller) -> Group:
    group = open_group(stores_file=wishes.stores_file, directory=directory, at=timezone.now())
    teller.say(
        f"{group.merchant.name}: {len(group.stores)} stores 门店, {len(group.tills)} tills 终端"
        + (f", {group.refused_rows} rows refused" if group.refused_rows else "")
    )
    return group


def _launch(group: Group, staff: Staff, per_minute: int, teller: Teller) -> _Campaigns:
    code, at = free_code(), timezone.now()
    trial = Plan(f"{code}-trial", "惠民消费券（试点，限时）", TRIAL, TRIAL_VALIDITY_S, per_minute)
    main = Plan(code, "惠民消费券", TIERS, VALIDITY_S, per_minute)
    for tier in TIERS:
        teller.say(f"{tier.name}: {tier.count:,} × {yuan(tier.face_fen)}")
    teller.say(
        f"{code}: submitted by {staff.manager}, approved by {staff.approver}, running 进行中"
    )
    return _Campaigns(
        main=set_up(plan=main, group=group, staff=staff, at=at),
        trial=set_up(plan=trial, group=group, staff=staff, at=at),
    )


def _distribute(campaigns: _Campaigns, staff: Staff, running: Processes, teller: Teller) -> Run:
    with teller.bar("distribution 发放", 200) as advance:
        distribute(campaign=campaigns.trial, staff=staff, check=running.check, on_progress=advance)
        run = distribute(
            campaign=campaigns.main,
            staff=staff,
            check=running.check,
            on_progress=lambda done: advance(100 + done),
        )
    rings = ", ".join(f"{label}: {count:,}" for label, count in run.audience["rings"].items())
    teller.say(f"audience 人群 {run.audience['targeted']:,} ({rings})")
    teller.say(f"issued 发放 {run.selection['vouchers']:,} = {yuan(run.selection['fen'])}")
    return run


def _play(
    campaigns: _Campaigns,
    group: Group,
    port: int,
    orders: int,
    per_minute: int,
    running: Processes,
    teller: Teller,
) -> day.Day:
    _wait_for_expiry(campaigns.trial)
    with teller.bar("orders 订单", 1.0) as advance:
        played = day.play(
            campaign=campaigns.main,
            trial=campaigns.trial,
            group=group,
            port=port,
            orders=orders,
            per_minute=per_minute,
            check=running.check,
            on_progress=advance,
        )
    teller.say(f"{played.good_accepted:,} of {played.good_orders:,} good orders 正常订单")
    return played


def _wait_for_expiry(trial: Campaign) -> None:
    """Until the trial's vouchers are over; in a small city the day would begin before."""
    ends = patiently(lambda: [tranche.valid_until_at for tranche in trial.tranches.all()])
    while timezone.now() < max(ends):
        time.sleep(0.05)


def _settle(campaign: Campaign) -> list[Settlement]:
    at = timezone.now()
    return settle_and_pay_day(
        campaign=campaign, business_day=business_day(at, campaign.zone), at=at
    )


def _write_page(campaign: Campaign, path: Path, teller: Teller) -> None:
    """The campaign's report in the installation's language, as `manage.py report` writes it."""
    found = patiently(lambda: report_of(campaign, at=timezone.now()))
    path.write_text(report_html(found, language=settings.LANGUAGE_CODE), encoding="utf-8")
    teller.say(f"report 报告: {path}")


def _audit() -> Report:
    report = audit(at=timezone.now(), seed=secrets.randbits(SEED_BITS))
    record(report=report)
    return report
