"""`manage.py explain CAMPAIGN RESIDENT --by USER --reason TEXT`: why a resident is targeted."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from merchants.errors import Refused
from vouchers.admin.faults import sentence
from vouchers.admin.residents.residents import in_words
from vouchers.management.campaigns import add_campaign, add_user, campaign_named, user_named
from vouchers.models import Resident
from vouchers.services.audience.explain import look_up


class Command(BaseCommand):
    """The sentence of the admin's page, from the same service; only the look is kept on record."""

    help = (
        "Say in words and metres why a resident is targeted by a campaign now, or why not. "
        "Kept in the resident's history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("resident", help="the number the channel gave the resident")
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
        try:
            said = look_up(
                campaign=campaign,
                resident=resident,
                reason=options["reason"],
                by=by,
                at=timezone.now(),
            )
        except Refused as refused:
            language = translation.get_language() or "en"
            raise CommandError(sentence(refused.refusal, language)) from None
        self.stdout.write(in_words(said))
