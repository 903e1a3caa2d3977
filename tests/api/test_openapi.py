"""The OpenAPI document against the running server: no crash, no reply, status or field that it does not tell of."""

import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi import checks as openapi

from ambrotype import settings
from ambrotype.api import asgi
from tests.api.stack import Caller, Stack, somebody

CHECKS: list[Any] = [
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
UNSUPPORTED = 501
HEADERS_TOO_LARGE = 431
"""Granian's own answer to a request line that no route gets to see."""
PAGES = ("/readyz", "/s/{token}")
"""Answer some refusals with a state or a page of their own."""
EXAMPLES = 3

STREAMS = "/v1/events"
"""Has no end; left to its own tests."""


schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
schema = schemathesis.openapi.from_dict(asgi.build(settings.Settings()).openapi()).exclude(path=STREAMS)


@pytest.fixture(scope="session")
def acting(stack: Stack) -> Caller:
    return stack.service.with_(Ambrotype_Owner=somebody())


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
def test_the_server_answers_as_documented(case: Any, acting: Caller) -> None:
    _answered(case, acting)


@pytest.mark.soak
@schema.parametrize()
@hypothesis.settings(max_examples=400, deadline=None)
def test_the_server_answers_as_documented_for_long(case: Any, acting: Caller) -> None:
    _answered(case, acting)


def _answered(case: Any, acting: Caller) -> None:
    if isinstance(case.body, dict) and "wait" in case.body:
        case.body["wait"] = 0  # a valid one would be waited for
    reply = case.call(base_url=f"http://127.0.0.1:{acting.port}", headers=dict(acting.headers), timeout=30)
    if reply.status_code == HEADERS_TOO_LARGE:
        return
    assert reply.status_code < 500 or reply.status_code == UNSUPPORTED, reply.text
    case.validate_response(reply, checks=CHECKS)


def test_the_document_and_its_page_are_served(stack: Stack) -> None:
    found = stack.nobody.get("/openapi.json").json()
    assert found["openapi"].startswith("3.")
    assert stack.nobody.get("/docs").headers["content-type"].startswith("text/html")


def test_every_reference_of_the_document_leads_somewhere(stack: Stack) -> None:
    found = stack.nobody.get("/openapi.json").json()
    references = {part.partition('"')[0] for part in json.dumps(found).split('"$ref": "#/components/schemas/')[1:]}
    assert references <= set(found["components"]["schemas"])


def test_every_operation_tells_its_problems_as_problems(stack: Stack) -> None:
    found = stack.nobody.get("/openapi.json").json()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            for status, reply in operation["responses"].items():
                if status >= "400" and path not in PAGES:
                    assert list(reply["content"]) == ["application/problem+json"], (method, path, status)


def test_a_media_object_in_a_reply_has_all_its_fields(stack: Stack) -> None:
    found = stack.nobody.get("/openapi.json").json()["components"]["schemas"]["Media"]
    assert sorted(found["required"]) == sorted(found["properties"])
    assert found["additionalProperties"] is False
