"""What several tests of services stand on."""

from tests.support.receiver import receiver

__all__ = ["receiver"]
