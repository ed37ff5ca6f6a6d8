"""Console output of the demo: numbered steps, progress bars, and waiting for servers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Result = TypeVar("Result")

PATIENCE_S: Final = 180.0
RETRY_S: Final = 0.5


class Teller:
    """Prints steps on a console; bars only on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._step = 0

    def say(self, sentence: str) -> None:
        """Print one line under the current step."""
        self.console.print(f"   {sentence}", highlight=False)

    @contextmanager
    def step(self, english: str, chinese: str) -> Iterator[None]:
        """A step of the story, with how long it took."""
        self._step += 1
        started_s = time.monotonic()
        self.console.print(f"[bold]{self._step}. {english} {chinese}[/]", highlight=False)
        yield
        self.say(f"[dim]{time.monotonic() - started_s:.1f} s[/]")

    @contextmanager
    def bar(self, description: str, total: float | None) -> Iterator[Callable[[float], None]]:
        """A bar; call what it yields with how much of `total` is done (None: only time passes)."""
        columns = (TextColumn("   {task.description}"), BarColumn(), TaskProgressColumn())
        is_hidden = not self.console.is_terminal
        with Progress(
            *columns, TimeElapsedColumn(), console=self.console, transient=True, disable=is_hidden
        ) as progress:
            task = progress.add_task(description, total=total)
            yield lambda done: progress.update(task, completed=done)


def patiently(work: Callable[[], Result]) -> Result:
    """Do work that may be repeated (a read, or an act that is safe to repeat) until it succeeds.

    A database that has been killed is back in seconds; after three minutes its error is raised.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline_s:
                raise
            time.sleep(RETRY_S)
