"""The table of codes: the page, docs/errors.md, the classes and their statuses say the same."""

import http
import re
from pathlib import Path

from ambrotype.api import error_table
from ambrotype.api import errors as problems
from ambrotype.core import errors
from tests.api.stack import Stack

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
CONTRACT = {
    "source_expired", "source_not_found", "source_forbidden", "source_unreachable", "source_changed", "blocked_address",
    "too_large", "too_slow", "truncated", "digest_mismatch", "not_media", "unsupported_type", "too_many_redirects",
    "unsupported_scheme", "invalid_url", "provider_gone", "data_removed", "store_unavailable", "cancelled",
    "invalid_request", "unauthenticated", "forbidden", "not_found", "conflict", "idempotency_conflict", "in_use",
    "already_linked", "quota_exceeded", "rate_limited", "not_supported", "unavailable", "range_not_satisfiable",
    "invalid_signature", "gone", "owner_required", "public_url_required", "precondition_failed",
}  # fmt: skip


def test_every_code_of_the_contract_is_an_errors() -> None:
    assert {row.code for row in error_table.rows()} >= CONTRACT


OF_TUS = 460
"""Checksum Mismatch, a status that the TUS protocol has of its own."""


def test_every_error_has_a_status_of_http_and_a_sentence() -> None:
    for row in error_table.rows():
        assert row.status == OF_TUS or 400 <= http.HTTPStatus(row.status) < 600
        assert row.when.endswith(".")


def test_every_class_of_the_table_of_statuses_is_in_it() -> None:
    listed = {(row.code, row.status) for row in error_table.rows()}
    stated = {(kind.code, status) for kind, status in problems.STATUS.items() if kind is not errors.CaptureFailed}
    assert stated <= listed


def test_the_document_says_the_same() -> None:
    written = re.findall(
        r"^\| (?:<a id=\"(\w+)\"></a>)?`(\w+)` \| (\d+) \| (.+) \| (yes)? ?\|$", PAGE.read_text(), re.MULTILINE
    )
    assert [(code, int(status), when, bool(again)) for _, code, status, when, again in written] == [
        (row.code, row.status, row.when, row.retryable) for row in error_table.rows()
    ]
    anchors = [anchor for anchor, *_ in written if anchor]
    assert sorted(anchors) == sorted({row.code for row in error_table.rows()})


def test_the_type_of_a_problem_leads_to_its_line(stack: Stack) -> None:
    problem = stack.nobody.get("/v1/media").problem()
    path, _, anchor = problem["type"].partition("#")
    page = stack.nobody.get(path)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert f'id="{anchor}"' in page.body.decode()
    for row in error_table.rows():
        assert page.body.decode().count(f'id="{row.code}"') == 1


def test_an_error_of_its_own_making_is_500() -> None:
    assert problems.problem_of(errors.AmbrotypeError("x"))["status"] == 500
