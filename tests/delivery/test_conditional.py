"""Conditional requests against one known file."""

import datetime

import pytest

from ambrotype.core import errors
from ambrotype.delivery import conditional

TAG = conditional.etag(b"\x01" * 32)
OTHER = conditional.etag(b"\x02" * 32)
MODIFIED = datetime.datetime(2026, 3, 1, 12, 30, 15, 987654, tzinfo=datetime.UTC)
THEN = "Sun, 01 Mar 2026 12:30:15 GMT"
BEFORE = "Sun, 01 Mar 2026 12:30:14 GMT"
AFTER = "Sun, 01 Mar 2026 12:30:16 GMT"


def test_the_etag_is_the_hash_and_the_date_is_whole_seconds():
    assert f'"{"01" * 32}"' == TAG
    assert conditional.http_date(MODIFIED) == THEN


@pytest.mark.parametrize(
    ("headers", "unchanged"),
    [
        ({}, False),
        ({"if-none-match": TAG}, True),
        ({"if-none-match": f"W/{TAG}"}, True),
        ({"if-none-match": f"{OTHER}, {TAG}"}, True),
        ({"if-none-match": f',"a,b" ,, W/{TAG} '}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": OTHER}, False),
        ({"if-none-match": TAG.strip('"')}, False),
        ({"if-none-match": f"x{TAG}"}, False),
        ({"if-modified-since": THEN}, True),
        ({"if-modified-since": AFTER}, True),
        ({"if-modified-since": BEFORE}, False),
        ({"if-modified-since": "Sunday, 01-Mar-26 12:30:15 GMT"}, True),
        ({"if-modified-since": "Sun Mar  1 12:30:15 2026"}, True),
        ({"if-modified-since": "yesterday"}, False),
        ({"if-none-match": OTHER, "if-modified-since": AFTER}, False),
        ({"if-match": TAG}, False),
        ({"if-match": "*"}, False),
        ({"if-match": f"{OTHER}, {TAG}"}, False),
        ({"if-match": TAG, "if-unmodified-since": BEFORE}, False),
        ({"if-match": TAG, "if-none-match": TAG}, True),
        ({"if-unmodified-since": THEN}, False),
        ({"if-unmodified-since": "never"}, False),
    ],
)
def test_a_304_is_sent_exactly_when_the_client_has_the_file(headers, unchanged):
    assert conditional.unchanged(headers, tag=TAG, modified=MODIFIED) is unchanged


@pytest.mark.parametrize(
    "headers",
    [
        {"if-match": OTHER},
        {"if-match": f"W/{TAG}"},
        {"if-match": ""},
        {"if-match": OTHER, "if-none-match": TAG},
        {"if-match": OTHER, "if-unmodified-since": AFTER},
        {"if-unmodified-since": BEFORE},
    ],
)
def test_another_version_fails_the_precondition(headers):
    with pytest.raises(errors.PreconditionFailed):
        conditional.unchanged(headers, tag=TAG, modified=MODIFIED)


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [
        (None, True),
        (TAG, True),
        (f" {TAG} ", True),
        (f"W/{TAG}", False),
        (OTHER, False),
        (THEN, True),
        (BEFORE, False),
        (AFTER, False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_range_counts_only_for_exactly_this_file(if_range, applies):
    headers = {} if if_range is None else {"if-range": if_range}
    assert conditional.range_applies(headers, tag=TAG, modified=MODIFIED) is applies
