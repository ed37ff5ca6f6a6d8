"""A line between till and service that can be cut: before a request, or before its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from urllib.parse import urlsplit

CHUNK = 65_536


class Line(Enum):
    """What becomes of what is sent."""

    WHOLE = auto()
    # The request arrives and is answered; the answer is lost.
    NO_ANSWER = auto()
    # The same, once: the next request is answered.
    NO_ANSWER_ONCE = auto()
    # Nothing arrives.
    DEAD = auto()


class CutLine:
    """A relay on a port of its own. `state` may be changed at any moment."""

    def __init__(self, service: str) -> None:
        parts = urlsplit(service)
        self._service = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.state = Line.WHOLE
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                till, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(till,), daemon=True).start()

    def _serve(self, till: socket.socket) -> None:
        """One connection: a request, its answer, and so on, until either side or the line ends."""
        with suppress(OSError), till, socket.create_connection(self._service) as service:
            while request := till.recv(CHUNK):
                if self.state is Line.DEAD:
                    return
                service.sendall(request)
                # The head may come without its body; the service answers once it has both.
                till.settimeout(0.05)
                with suppress(TimeoutError):
                    while more := till.recv(CHUNK):
                        service.sendall(more)
                till.settimeout(None)
                answer = service.recv(CHUNK)
                if self.state is not Line.WHOLE:
                    if self.state is Line.NO_ANSWER_ONCE:
                        self.state = Line.WHOLE
                    return
                till.sendall(answer)


@contextmanager
def cut_line(service: str) -> Iterator[CutLine]:
    """A line to the service at that address, whole until it is cut."""
    line = CutLine(service)
    try:
        yield line
    finally:
        line.close()
