"""Bodies that say they are not JSON are refused, whatever they look like; problems in words."""

import pytest

from merchants.errors import Refused
from vouchers.http.requests import check_media_type, malformed, parse_json

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


def test_a_body_that_is_compressed_is_refused_as_such() -> None:
    for encoding in ("gzip", "BR", "gzip, identity"):
        with pytest.raises(Refused) as refused:
            check_media_type("application/json", b"\x1f\x8b", encoding=encoding)
        assert refused.value.refusal.rule == "compressed"
        assert refused.value.refusal.facts == {"content_encoding": encoding}
    check_media_type("application/json", BODY, encoding="Identity")


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        ("Input data was truncated", "$"),
        ("Expected `int` >= 1 - at `$.order_amount_fen`", "$.order_amount_fen"),
        ("Invalid enum value 'moon' - at `key` in `$.points`", "$.points"),
        ("Object missing required field `datum` - at `$.points[...]`", "$.points[...].datum"),
        ("Object missing required field `voucher`", "$.voucher"),
    ],
)
def test_a_problem_names_the_path_of_its_field(problem: str, field: str) -> None:
    assert malformed(problem).refusal.facts["field"] == field


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_a_body_without_anything_in_it_is_called_empty(body: bytes) -> None:
    with pytest.raises(Refused, match="the body is empty"):
        parse_json(body)
