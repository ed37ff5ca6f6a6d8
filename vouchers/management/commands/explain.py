"""`manage.py explain CAMPAIGN RESIDENT`: why a resident is targeted, or why not."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.admin.residents.residents import explanation
from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.models import Resident
from vouchers.services.audience.explain import explain


class Command(BaseCommand):
    """The sentence of the admin's page, from the code that targets a run; nothing is changed."""

    help = "Say in words and metres why a resident is targeted by a campaign now, or why not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("resident", help="the number the channel gave the resident")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        try:
            resident = Resident.objects.get(external_id=options["resident"])
        except Resident.DoesNotExist:
            raise CommandError(
                _("There is no resident with the number %(number)s.")
                % {"number": options["resident"]}
            ) from None
        said = explain(campaign=campaign, resident=resident, at=timezone.now())
        self.stdout.write(explanation(said))
