"""`manage.py reset_second_factor`: for a user who has lost the phone."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from merchants.errors import Refused
from vouchers.errors import explain
from vouchers.services import second_factor


class Command(BaseCommand):
    """The reset is kept in the user's history, with who did it and why."""

    help = (
        "Take a user's authenticator and recovery codes away; the next sign-in sets up new ones "
        "where the user's role requires it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="whose second factor is reset")
        parser.add_argument(
            "--by", required=True, help="user name of who resets it: another, with the right to"
        )
        parser.add_argument("--reason", required=True, help="why, for the user's history")

    def handle(self, *args: Any, **options: Any) -> None:
        user, by = _user(options["username"]), _user(options["by"])
        try:
            second_factor.reset(user=user, by=by, reason=options["reason"], at=timezone.now())
        except Refused as refused:
            raise CommandError(explain(refused.refusal, get_language() or "en")) from None
        done = _("The second factor of %(user)s has been reset.") % {"user": user.get_username()}
        self.stdout.write(done)


def _user(username: str) -> User:
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist:
        raise CommandError(_("There is no user called %(user)s.") % {"user": username}) from None
