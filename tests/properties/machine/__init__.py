"""The engine beside its model: what may happen in the city, and what must hold after each step."""

from tests.properties.machine.crashes import Crashes


class Machine(Crashes):
    """Everything that may happen: one savepoint an example, rolled back at its end."""


__all__ = ["Machine"]
