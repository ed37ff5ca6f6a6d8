"""`manage.py sample_redemptions CAMPAIGN`: a random sample of redemptions, and the interval of its
error share."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from merchants.spreadsheets import SpreadsheetWriter
from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.queries.proofs import samples
from vouchers.rules.proofs import sampling


def percent(text: str) -> float:
    """A percentage between 0 and 100, as a share."""
    try:
        share = float(text) / 100
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise ArgumentTypeError("say a percentage between 0 and 100")
    return share


class Command(BaseCommand):
    """The same seed draws the same redemptions again, here and from an exported pack."""

    help = (
        "Draw a random sample of a campaign's redemptions for a visit: the list as CSV, and the"
        " interval for the share of errors found."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("--confidence", type=percent, default=0.95, help="per cent (95)")
        parser.add_argument("--margin", type=percent, default=0.02, help="per cent (2)")
        parser.add_argument("--seed", required=True, help="any text, best drawn in public")
        parser.add_argument("--errors", type=int, help="how many were found wrong: the interval")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, confidence = campaign_named(options["campaign"]), options["confidence"]
        numbers = list(samples.population(campaign.pk))
        size = sampling.sample_size(len(numbers), confidence=confidence, margin=options["margin"])
        if not size:
            raise CommandError(_("There is no redemption to look at."))
        if options["errors"] is not None:
            self._print_interval(options["errors"], size, confidence)
            return
        rows = samples.drawn(sampling.draw(numbers, size=size, seed=options["seed"]))
        writer = SpreadsheetWriter(self.stdout)
        writer.row(rows[0])
        for row in rows:
            writer.row(row.values())
        self.stderr.write(
            _('%(size)s of %(all)s redemptions: those of lowest SHA-256 of "%(seed)s|number".')
            % {"size": size, "all": len(numbers), "seed": options["seed"]}
        )
        self.stderr.write(
            _("k errors among n = %(size)s, z = %(z).4f: the true share lies within %(formula)s")
            % {"size": size, "z": sampling.quantile(confidence), "formula": sampling.INTERVAL}
        )

    def _print_interval(self, errors: int, size: int, confidence: float) -> None:
        try:
            low, high = sampling.wilson(errors, size, confidence=confidence)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            _("%(errors)s errors among %(size)s: the true share lies within %(low)s – %(high)s.")
            % {"errors": errors, "size": size, "low": f"{low:.2%}", "high": f"{high:.2%}"}
        )
