"""What commands about one campaign share: naming it, and the user who asks."""

from argparse import ArgumentParser

from django.contrib.auth.models import User
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


def add_user(parser: ArgumentParser) -> None:
    """The option that says for whom the command is run."""
    parser.add_argument(
        "--by", required=True, metavar="USER", help="your user name in the admin; kept on record"
    )


def user_named(username: str) -> User:
    """The active user, or an error for the person who typed the name."""
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist:
        raise CommandError(
            _("There is no active user with the name %(name)s.") % {"name": username}
        ) from None
