"""The day's figures, read from the books and from what the tills saw; also as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from vouchers.demo.city import CUSTOMER_BIT
from vouchers.demo.day import Day
from vouchers.models import Campaign, Run, Settlement
from vouchers.queries.campaigns.overview import Figures, figures_of, refusals_since
from vouchers.queries.demo import Customers, customers_of, lost_redemptions
from vouchers.queries.ledger.balances import IdentityRow, identity_rows
from vouchers.services.proofs.audit import Report


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures reported at the end."""

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
        """Whether the books hold exactly the redemptions that tills received answers for."""
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
        | {f"p{of}_s": round(value, 4) for of, value in percentiles_s(day).items()},
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


def percentiles_s(day: Day) -> dict[int, float]:
    """p50 and p99 of the answers that came at the first try."""
    if len(day.latencies_s) < 2:
        return {}
    cuts = quantiles(day.latencies_s, n=100)
    return {50: cuts[49], 99: cuts[98]}
