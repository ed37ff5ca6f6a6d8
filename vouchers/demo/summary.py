"""The day on one page, as a manager would show it to a boss, and the same figures as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table

from vouchers.demo.city import CUSTOMER_BIT
from vouchers.demo.day import Day
from vouchers.models import Campaign, Run, Settlement
from vouchers.money import yuan
from vouchers.queries.balances import IdentityRow, identity_rows
from vouchers.queries.overview import Figures, figures_of, refusals_since
from vouchers.queries.people import Customers, customers_of, lost_redemptions
from vouchers.services.audit import Report
from vouchers.states import AccountKind

MILLISECONDS: Final = 1_000

ACCOUNTS: Final = {
    AccountKind.FREE: "free 可用",
    AccountKind.RESERVED: "reserved 预留",
    AccountKind.OUTSTANDING: "outstanding 在外",
    AccountKind.AUTHORISED: "authorised 预核销",
    AccountKind.PAYABLE: "payable 应付",
    AccountKind.RISK_HELD: "risk held 冻结",
    AccountKind.SETTLED: "settled 已拨付",
    AccountKind.RECOVERABLE: "recoverable 应收回",
    AccountKind.REPAID: "repaid 已缴回",
}
ATTACKS: Final = {
    "two_tills": "same voucher at two tills 一券两台",
    "replay_same": "replay, same body 同键重放",
    "replay_changed": "replay, changed body 同键改单",
    "below_threshold": "below threshold 未达门槛",
    "wrong_store": "store takes no part 非参与门店",
    "expired": "expired voucher 过期券",
    "someone_elses": "someone else's voucher 他人之券",
    "guessed_code": "guessed code 猜码",
    "foreign_terminal": "another merchant's terminal 他商户终端",
    "foreign_void": "another merchant's void 他商户撤销",
    "other_branch": "another branch's store 他店终端",
    "unknown_key": "unknown key 未知密钥",
    "order_twice": "two vouchers on one order 一单两券",
    "resident_burst": "too many a day 超每日次数",
    "store_burst": "burst in one store 门店突发",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that is told at the end."""

    campaign: Campaign
    run: Run
    day: Day
    figures: Figures
    customers: Customers
    identity: Sequence[IdentityRow]
    refusals: Sequence[tuple[str, int]]
    settlements: Sequence[Settlement]
    report: Report
    lost: Sequence[int]
    restarts: dict[str, int]

    @property
    def is_complete(self) -> bool:
        """Whether the books hold exactly what the tills were told, no more and no less."""
        kept = len(self.day.redeemed) - len(self.day.voided)
        return not self.lost and kept == self.figures.redeemed_count

    @property
    def is_good(self) -> bool:
        """Whether the books are proven, nothing was lost and every attack refused."""
        return self.report.is_proven and self.is_complete and self.day.is_safe


def sum_up(
    *,
    campaign: Campaign,
    run: Run,
    day: Day,
    settlements: Sequence[Settlement],
    report: Report,
    restarts: dict[str, int],
    since: datetime,
) -> Summary:
    """Read what the summary needs from the books."""
    merchant = campaign.participations.select_related("store__merchant")[0].store.merchant
    return Summary(
        campaign=campaign,
        run=run,
        day=day,
        figures=figures_of([campaign.pk])[campaign.pk],
        customers=customers_of(campaign=campaign, merchant=merchant, customer_bit=CUSTOMER_BIT),
        identity=identity_rows(campaign.pk),
        refusals=refusals_since(since),
        settlements=settlements,
        report=report,
        lost=lost_redemptions(day.redeemed),
        restarts=restarts,
    )


def document(summary: Summary) -> dict[str, Any]:
    """The figures as JSON; amounts in fen, times in seconds."""
    day, figures = summary.day, summary.figures
    return {
        "campaign": summary.campaign.code,
        "audience": summary.run.audience,
        "selection": summary.run.selection,
        "issued": {"vouchers": figures.issued_count, "fen": figures.issued_fen},
        "redeemed": {"vouchers": figures.redeemed_count, "fen": figures.discount_fen},
        "order_fen": figures.order_fen,
        "leverage": round(figures.leverage, 3),
        "customers": {
            "residents": summary.customers.residents,
            "first_time": summary.customers.first_time,
        },
        "refused": dict(summary.refusals),
        "attacks": {
            name: {"tried": one.tried, "refused": one.refused, "surprises": one.surprises}
            for name, one in sorted(day.attacks.items())
        },
        "good_orders": {"sent": day.good_orders, "accepted": day.good_accepted},
        "acknowledged": len(day.redeemed),
        "voided": len(day.voided),
        "lost": list(summary.lost),
        "http": {"requests": day.requests, "retries": day.retries, "took_s": round(day.took_s, 3)}
        | {"per_s": round(day.requests / day.took_s, 1)}
        | {f"p{of}_s": round(value, 4) for of, value in _percentiles_s(day).items()},
        "budget": [
            {"source": row.source, "appropriated": row.appropriated_fen, "off": row.off_fen}
            | {kind.value: fen for kind, fen in row.parts_fen.items()}
            for row in summary.identity
        ],
        "settlements": [
            {"source": one.source.code, "lines": one.line_count, "fen": one.total_fen}
            | {"state": one.state, "sha256": bytes(one.sha256).hex()}
            for one in summary.settlements
        ],
        "restarts": summary.restarts,
        "books_proven": summary.report.is_proven,
        "attacks_refused": day.is_safe,
        "nothing_lost": summary.is_complete,
    }


def write(summary: Summary, path: Path) -> None:
    """Keep the figures as JSON."""
    path.write_text(json.dumps(document(summary), ensure_ascii=False, indent=2), encoding="utf-8")


def show(summary: Summary, console: Console) -> None:
    """One page of tables and the verdict."""
    tables = (_reach, _use, _attacks, _refusals, _budget, _settled)
    console.print(Panel(Group(*(make(summary) for make in tables)), title=_title(summary)))
    for line in _verdict(summary):
        console.print(line, highlight=False)


def _title(summary: Summary) -> str:
    return f"惠民 Huimin · {summary.campaign.name} ({summary.campaign.code})"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


def _reach(summary: Summary) -> Table:
    audience, selection = summary.run.audience, summary.run.selection
    table = _table("Reach 触达", "audience by ring 人群（按距离）", "residents 居民")
    table.add_row("examined 全部", f"{audience['examined']:,}")
    for label, residents in audience["rings"].items():
        table.add_row(label, f"{residents:,}")
    table.add_section()
    for tier in summary.campaign.tiers.order_by("face_fen"):
        chosen = selection["tiers"][tier.code]
        issued = f"{chosen['vouchers']:,} × {yuan(tier.face_fen)} = {yuan(chosen['fen'])}"
        table.add_row(f"issued 发放 {tier.name}", issued)
    total = f"{summary.figures.issued_count:,} = {yuan(summary.figures.issued_fen)}"
    table.add_row("issued in all 发放合计", total)
    return table


def _use(summary: Summary) -> Table:
    day, figures, people = summary.day, summary.figures, summary.customers
    times = _percentiles_s(day)
    table = _table("The day 当日", "", "")
    table.show_header = False
    table.add_row("redeemed 核销", f"{figures.redeemed_count:,} vouchers 张")
    table.add_row("subsidy 补贴", yuan(figures.discount_fen))
    table.add_row("orders 订单金额", yuan(figures.order_fen))
    table.add_row("leverage 撬动比 (orders ÷ subsidy)", f"{figures.leverage:.2f} ×")
    table.add_row(
        "first-time customers 新客",
        f"{people.first_time:,} of {people.residents:,} customers 人",
    )
    table.add_row("voided by cashiers 撤销", f"{len(day.voided):,}")
    table.add_row(
        "throughput 吞吐", f"{day.requests / day.took_s:,.0f} requests/s in {day.took_s:.1f} s"
    )
    table.add_row(
        "answer time 响应",
        " · ".join(f"p{of} {s * MILLISECONDS:.1f} ms" for of, s in times.items()),
    )
    if day.retries:
        table.add_row("sent again by tills 重试", f"{day.retries:,}")
    return table


def _attacks(summary: Summary) -> Table:
    names = ("attack 攻击", "tried 尝试", "refused 拒绝", "got through 漏过")
    table = _table("Attacks 攻击", *names)
    for name, label in ATTACKS.items():
        tally = summary.day.attacks.get(name)
        if tally:
            through = len(tally.surprises)
            style = "bold red" if through else None
            table.add_row(
                label, f"{tally.tried:,}", f"{tally.refused:,}", str(through), style=style
            )
    return table


def _refusals(summary: Summary) -> Table:
    table = _table("Refused by code 拒绝（按代码）", "code 代码", "times 次")
    for code, times in summary.refusals:
        table.add_row(code, f"{times:,}")
    return table


def _budget(summary: Summary) -> Table:
    table = _table(
        "Budget identity 预算恒等式", "", *(row.name for row in summary.identity), "合计 total"
    )
    lines = {kind: [row.parts_fen[kind] for row in summary.identity] for kind in ACCOUNTS}
    for kind, parts_fen in lines.items():
        table.add_row(f"  {ACCOUNTS[kind]}", *map(yuan, [*parts_fen, sum(parts_fen)]))
    table.add_section()
    whole_fen = [row.appropriated_fen for row in summary.identity]
    table.add_row("= appropriated 批复额度", *map(yuan, [*whole_fen, sum(whole_fen)]))
    off_fen = [row.off_fen for row in summary.identity]
    table.add_row("difference 差额", *map(yuan, [*off_fen, sum(off_fen)]))
    return table


def _settled(summary: Summary) -> Table:
    columns = ("settlement 结算", "lines 笔", "total 金额", "state 状态", "SHA-256")
    table = _table("Settlement of the day 当日结算", *columns)
    for one in summary.settlements:
        name = f"{one.merchant.name} · {one.source.name}"
        state = str(one.get_state_display())
        digest = bytes(one.sha256).hex()[:16]
        table.add_row(name, f"{one.line_count:,}", yuan(one.total_fen), state, digest)
    return table


def _verdict(summary: Summary) -> list[str]:
    day, broken = summary.day, summary.report.first_broken
    lines = [f"[bold]books proven 账实相符: {_yes(summary.report.is_proven)}[/]"]
    if broken:
        lines.append(f"  invariant {broken.invariant} ({broken.name}): {broken.rows[:1]}")
    lines.append(f"[bold]every attack refused 攻击全部拒绝: {_yes(day.is_safe)}[/]")
    lines += [f"  {name}: {one.surprises[0]}" for name, one in day.attacks.items() if one.surprises]
    lines += [f"  {surprise}" for surprise in day.surprises[:1]]
    acknowledged = f"{len(day.redeemed):,} acknowledged 已确认, {len(summary.lost)} lost 丢失"
    lines.append(f"[bold]nothing lost 无一丢失: {_yes(summary.is_complete)}[/] ({acknowledged})")
    if restarted := {name: times for name, times in summary.restarts.items() if times}:
        lines.append(f"  restarted 重启: {restarted}")
    return lines


def _yes(is_so: bool) -> str:
    return "[green]yes 是[/]" if is_so else "[red]NO 否[/]"


def _percentiles_s(day: Day) -> dict[int, float]:
    """p50 and p99 of the answers that came at the first try."""
    if len(day.latencies_s) < 2:
        return {}
    cuts = quantiles(day.latencies_s, n=100)
    return {50: cuts[49], 99: cuts[98]}
