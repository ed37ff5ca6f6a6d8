"""Bodies that say they are not JSON are refused, whatever they look like."""

import pytest

from merchants.errors import Refused
from vouchers.http.requests import check_media_type

BODY = b"{}"


def verdict(content_type: str | None, body: bytes) -> str:
    """The code of the refusal, or "taken"."""
    try:
        check_media_type(content_type, body)
    except Refused as refused:
        return refused.refusal.code
    return "taken"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; profile=till",
    ],
)
def test_json_is_taken_with_any_spelling_of_its_type(content_type: str | None) -> None:
    assert verdict(content_type, BODY) == "taken"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=gbk",
        "application/json; charset=utf-16",
        ";",
    ],
)
def test_any_other_type_is_refused(content_type: str) -> None:
    with pytest.raises(Refused) as refused:
        check_media_type(content_type, BODY)
    assert refused.value.refusal.code == "unsupported_media_type"
    assert refused.value.refusal.facts == {"content_type": content_type}


def test_without_a_body_its_type_says_nothing() -> None:
    assert verdict("text/plain", b"") == "taken"
