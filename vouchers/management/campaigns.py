"""What commands about one campaign share."""

from argparse import ArgumentParser

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from vouchers.models import Campaign


def add_campaign(parser: ArgumentParser) -> None:
    """The argument that names it."""
    parser.add_argument("campaign", help="the campaign's code")


def campaign_named(code: str) -> Campaign:
    """The campaign, or an error for the person who typed it."""
    try:
        return Campaign.objects.get(code=code)
    except Campaign.DoesNotExist:
        raise CommandError(
            _("There is no campaign with the code %(code)s.") % {"code": code}
        ) from None
