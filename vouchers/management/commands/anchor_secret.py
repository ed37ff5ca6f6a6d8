"""`manage.py anchor_secret URL`: what an https recipient of anchors checks signatures with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from vouchers.services.outbox import webhook_secret


class Command(BaseCommand):
    """The secret is derived from the installation's key and the address; it is not stored."""

    help = "Print the signing secret (Standard Webhooks) of an https recipient of anchors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="the address exactly as the campaign's terms name it")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(webhook_secret(options["url"]))
