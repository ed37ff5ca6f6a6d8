"""`manage.py explain CAMPAIGN RESIDENT [--run N] --by USER --reason TEXT`: why (not) a resident."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from merchants.errors import Refused
from vouchers.admin.faults import sentence
from vouchers.admin.residents.residents import in_words, run_in_words
from vouchers.management.campaigns import add_campaign, add_user, campaign_named, user_named
from vouchers.models import Campaign, Resident, Run
from vouchers.services.audience.explain import look_up
from vouchers.services.audience.explain_run import look_up_run


class Command(BaseCommand):
    """The sentence of the admin's page, from the same service; only the look is kept on record."""

    help = (
        "Say in words and metres why a resident is targeted by a campaign now, or was by one of "
        "its runs, or why not. Kept in the resident's history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("resident", help="the number the channel gave the resident")
        parser.add_argument(
            "--run", type=int, metavar="N", help="what this run found and issued, not what is now"
        )
        add_user(parser)
        parser.add_argument("--reason", required=True, help="why you look; kept on record")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        by = user_named(options["by"])
        try:
            resident = Resident.objects.get(external_id=options["resident"])
        except Resident.DoesNotExist:
            raise CommandError(
                _("There is no resident with the number %(number)s.")
                % {"number": options["resident"]}
            ) from None
        look = {
            "resident": resident,
            "reason": options["reason"],
            "by": by,
            "at": timezone.now(),
        }
        try:
            if (number := options["run"]) is None:
                text = in_words(look_up(campaign=campaign, **look))
            else:
                text = run_in_words(look_up_run(run=_run_numbered(campaign, number), **look))
        except Refused as refused:
            language = translation.get_language() or "en"
            raise CommandError(sentence(refused.refusal, language)) from None
        self.stdout.write(text)


def _run_numbered(campaign: Campaign, number: int) -> Run:
    run = Run.objects.filter(pk=number, campaign=campaign).first()
    if run is None:
        raise CommandError(_("The campaign has no run of this number."))
    return run
