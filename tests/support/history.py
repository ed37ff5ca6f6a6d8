"""What a row's history says, as its page would."""

from zoneinfo import ZoneInfo

from django.contrib.admin.models import LogEntry
from django.utils import translation

from vouchers.admin.history.acts import told

SHANGHAI = ZoneInfo("Asia/Shanghai")


def in_words(act: LogEntry, language: str = "en") -> str:
    """A line in words."""
    with translation.override(language):
        return told(act, SHANGHAI)
