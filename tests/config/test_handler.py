"""Django's requests are worked on by threads that stay, each in one from start to end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.utils import translation

from config.handler import CALL_MAX_BYTES, PAGE_MAX_BYTES, THREADS, ThreadedHandler

Sent = list[dict[str, Any]]

gate = threading.Event()


def thread_name(request: HttpRequest) -> HttpResponse:
    return HttpResponse(threading.current_thread().name)


def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def waiting(request: HttpRequest) -> HttpResponse:
    assert gate.wait(30)
    return HttpResponse("waited")


def switching(request: HttpRequest) -> HttpResponse:
    before = translation.get_language()
    translation.activate("fr")
    return HttpResponse(before)


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    return StreamingHttpResponse(pieces())


async def coroutine(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("async")


def failing(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


VIEWS = (thread_name, body, waiting, switching, streamed, coroutine, failing)


@pytest.fixture
def handler() -> Iterator[ThreadedHandler]:
    addresses = tuple(
        path(f"{root}{view.__name__}", view) for root in ("", "api/") for view in VIEWS
    )
    with override_settings(
        ROOT_URLCONF=addresses,
        MIDDLEWARE=[],
        ALLOWED_HOSTS=["*"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    ):
        yield ThreadedHandler()


Headers = list[tuple[bytes, bytes]]


async def call(
    handler: ThreadedHandler, address: str, *parts: bytes, headers: Headers | None = None
) -> tuple[int, bytes]:
    """Status and body of the answer to a request whose body comes in parts."""
    arriving = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    ]
    sent = await deliver(handler, address, arriving or [{"type": "http.request"}], headers)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def deliver(
    handler: ThreadedHandler, address: str, arriving: Sent, headers: Headers | None = None
) -> Sent:
    messages, sent = iter(arriving), []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": address,
        "headers": headers or [],
        "query_string": b"",
    }
    await handler(scope, receive, send)
    return sent


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await asyncio.wait_for(work(), 60)

    return asyncio.run(main())


def test_many_requests_share_a_few_threads(handler: ThreadedHandler) -> None:
    async def asked() -> set[bytes]:
        return {(await call(handler, "/api/thread_name"))[1] for _ in range(5 * THREADS)}

    assert len(run(asked)) <= THREADS


def test_a_body_in_parts_arrives_whole(handler: ThreadedHandler) -> None:
    assert run(lambda: call(handler, "/body", b"one ", b"two")) == (200, b"one two")


def test_of_a_call_no_more_is_kept_than_its_view_needs_to_refuse_it(
    handler: ThreadedHandler,
) -> None:
    mebibyte = bytes(1024 * 1024)
    status, kept = run(lambda: call(handler, "/api/body", *[mebibyte] * 3))
    assert (status, len(kept)) == (200, CALL_MAX_BYTES)


def test_a_page_takes_so_much_and_nothing_of_more(handler: ThreadedHandler) -> None:
    whole = bytes(PAGE_MAX_BYTES)
    assert run(lambda: call(handler, "/body", whole)) == (200, whole)
    assert run(lambda: call(handler, "/body", whole, b"x"))[0] == 400
    assert run(lambda: call(handler, "/thread_name", whole, b"x"))[0] == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sent_as", "language", "words"),
    [
        ("application/x-www-form-urlencoded", "en", "Too much was sent at once"),
        ("multipart/form-data; boundary=b", "zh-hans", "未保存任何内容"),
    ],
)
def test_a_form_far_too_large_is_refused_in_words(sent_as: str, language: str, words: str) -> None:
    given = {
        "host": "localhost",
        "content-type": sent_as,
        "content-length": str(PAGE_MAX_BYTES + 1),
        "cookie": f"{settings.CSRF_COOKIE_NAME}={'a' * 32}; django_language={language}",
    }
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    body = bytes(PAGE_MAX_BYTES), b"x"
    handler = ThreadedHandler()
    status, page = run(lambda: call(handler, "/admin/login/", *body, headers=headers))
    assert (status, words in page.decode()) == (413, True)


def test_a_body_without_end_is_not_read_to_it(handler: ThreadedHandler) -> None:
    part = {"type": "http.request", "body": bytes(1024 * 1024), "more_body": True}
    for address in ("/api/thread_name", "/thread_name"):
        assert run(lambda address=address: deliver(handler, address, [part] * 17))  # type: ignore[misc]


def test_pages_that_hold_all_their_threads_make_no_call_of_the_api_wait(
    handler: ThreadedHandler,
) -> None:
    async def asked() -> None:
        gate.clear()
        pages = [asyncio.ensure_future(call(handler, "/waiting")) for _ in range(THREADS + 1)]
        try:
            assert (await call(handler, "/api/body", b"till"))[1] == b"till"
            assert not any(page.done() for page in pages)
        finally:
            gate.set()
        assert [(await page)[1] for page in pages] == [b"waited"] * len(pages)

    run(asked)


def test_what_a_request_sets_for_itself_is_gone_with_it(handler: ThreadedHandler) -> None:
    async def asked() -> list[bytes]:
        return [(await call(handler, "/switching"))[1] for _ in range(2)]

    first, second = run(asked)
    assert first == second != b"fr"


def test_streams_and_views_that_are_coroutines_are_answered(handler: ThreadedHandler) -> None:
    assert run(lambda: call(handler, "/streamed")) == (200, b"012")
    assert run(lambda: call(handler, "/coroutine")) == (200, b"async")


@pytest.mark.parametrize("address", ["/body", "/streamed"])
def test_every_request_is_finished_once(handler: ThreadedHandler, address: str) -> None:
    finished: list[str] = []

    def note(**named: Any) -> None:
        finished.append(address)

    request_finished.connect(note)
    try:
        run(lambda: call(handler, address))
    finally:
        request_finished.disconnect(note)
    assert finished == [address]


def test_a_view_that_fails_is_a_500_and_the_thread_goes_on(
    handler: ThreadedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(lambda: call(handler, "/failing"))[0] == 500
    assert run(lambda: call(handler, "/body", b"on")) == (200, b"on")


def test_a_client_that_goes_before_its_body_has_come_is_answered_nothing(
    handler: ThreadedHandler,
) -> None:
    assert run(lambda: deliver(handler, "/body", [{"type": "http.disconnect"}])) == []


def test_only_http_is_answered(handler: ThreadedHandler) -> None:
    with pytest.raises(ValueError, match="websocket"):
        run(lambda: handler({"type": "websocket"}, None, None))  # type: ignore[arg-type]
