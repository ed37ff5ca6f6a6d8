"""The description of the API shows every call: what is sent, what is answered, what is refused."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from docs.generated.api import METHODS, openapi
from vouchers.http.answers import PROBLEM

Document = dict[str, Any]
# Open to all and asked nothing, so that there is nothing to refuse.
NEVER_REFUSED = {"sandbox_amounts"}
# Looks alike at every call.
OUTAGE = {f"503 {PROBLEM}"}


@cache
def document() -> Document:
    return openapi()


def calls() -> dict[str, Document]:
    """By its name every call."""
    methods = (path.get(verb) for path in document()["paths"].values() for verb in METHODS)
    return {call["operationId"]: call for call in methods if call}


def bodies(call: Document) -> Iterator[tuple[str, Document]]:
    """What a call takes, answers and refuses, each with its schema and its examples."""
    for content in call.get("requestBody", {}).get("content", {}).values():
        yield "request", content
    for status, answer in call["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            yield f"{status} {media_type}", content


def faults_in(content: Document) -> list[str]:
    """What is wrong with the examples of a body."""
    described = {**content["schema"], "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(described)
    return [
        f"{name}: {error.instance_path} {error.message}"
        for name, example in content["examples"].items()
        for error in validator.iter_errors(example["value"])
    ]


@pytest.mark.parametrize("name", sorted(calls()))
def test_every_body_of_a_call_has_examples_that_are_valid(name: str) -> None:
    shown = dict(bodies(calls()[name]))
    bare = {body for body, content in shown.items() if not content.get("examples")}
    assert bare <= OUTAGE
    faults = {body: faults_in(shown[body]) for body in shown.keys() - bare}
    assert {body: found for body, found in faults.items() if found} == {}


def test_every_call_that_may_be_refused_shows_a_refusal() -> None:
    refused = {name for name, call in calls().items() if f"4XX {PROBLEM}" in dict(bodies(call))}
    assert calls().keys() - refused == NEVER_REFUSED


def test_an_invalid_example_is_noticed() -> None:
    """The control."""
    (content,) = (it for name, it in bodies(calls()["claim"]) if name == "request")
    spoilt = {"examples": {"bad": {"value": {"resident": "R-1", "tier": 7}}}}
    assert len(faults_in(content | spoilt)) == 1
