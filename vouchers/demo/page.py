"""The summary as one page that a manager would show to a boss, in English and Chinese."""

from typing import Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table

from vouchers.demo.attacks import KINDS
from vouchers.demo.scene import Tally
from vouchers.demo.summary import Summary, percentiles_s
from vouchers.money import yuan
from vouchers.states import AccountKind

MILLISECONDS: Final = 1_000
REASONS: Final = {
    "outside": "outside 范围外",
    "no_point": "no known home 无住址",
    "no_consent": "no consent 未授权",
}
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
    for code, residents in audience["untargeted"].items():
        table.add_row(REASONS.get(code, code), f"{residents:,}", style="dim")
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
    times = percentiles_s(day)
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
    table = _table("Attacks 攻击", "attack", "攻击", "tried 尝试", "stopped 拦下", "through 漏过")
    table.columns[1].justify = "left"
    for name, labels in KINDS.items():
        tally = summary.day.attacks.get(name, Tally())
        through = len(tally.surprises)
        style = "bold red" if through else None
        table.add_row(*labels, f"{tally.tried:,}", f"{tally.refused:,}", str(through), style=style)
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
    lines.append(f"[bold]every attack refused or held 攻击全部拒绝或冻结: {_yes(day.is_safe)}[/]")
    lines += [f"  {name}: {one.surprises[0]}" for name, one in day.attacks.items() if one.surprises]
    lines += [f"  {surprise}" for surprise in day.surprises[:1]]
    acknowledged = f"{len(day.redeemed):,} acknowledged 已确认, {len(summary.lost)} lost 丢失"
    lines.append(f"[bold]nothing lost 无一丢失: {_yes(summary.is_complete)}[/] ({acknowledged})")
    if restarted := {name: times for name, times in summary.restarts.items() if times}:
        lines.append(f"  restarted 重启: {restarted}")
    return lines


def _yes(is_so: bool) -> str:
    return "[green]yes 是[/]" if is_so else "[red]NO 否[/]"
