"""Whatever goes wrong at the source: the item ends as kept with exactly its bytes, as lost with the reason, or is
tried again with the reason on record. Never as something else, and never in silence."""

import datetime
import time
from typing import Any

import pytest

from ambrotype.simulator import faults
from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Stack, until

KEPT = "kept"
LOST = "lost "
AGAIN = "tried again "

# fault, options: what comes of it. `faults.FAULTS` and docs/simulator.md say what each does.
SURPLUS_ENDS = (AGAIN + "source_unreachable", AGAIN + "digest_mismatch")
SURPLUS = " or ".join(SURPLUS_ENDS)
"""More bytes than announced break the answer's form; those of a packet that comes after its end are never read, and then
the digest of the whole does not fit the part."""

MATRIX: list[tuple[str, dict[str, faults.Value], str]] = [
    ("drip", {"piece": 512, "pause": 0.01}, KEPT),
    ("cut", {"times": 1}, KEPT),
    ("cut", {}, KEPT),
    ("cut", {"ranges": False, "times": 1}, KEPT),
    ("cut", {"ranges": False}, AGAIN + "truncated"),
    ("reset", {"times": 1}, KEPT),
    ("reset", {"at": 500, "times": 1}, KEPT),
    ("reset", {}, AGAIN + "source_unreachable"),
    ("hang", {}, AGAIN + "too_slow"),
    ("hang", {"at": 500}, AGAIN + "too_slow"),
    ("short", {}, AGAIN + "source_changed"),
    ("long", {}, SURPLUS),
    ("chunked", {}, KEPT),
    ("chunked", {"cut": 1000, "times": 1}, KEPT),
    ("chunked", {"cut": 1000}, AGAIN + "truncated"),
    ("unsized", {}, KEPT),
    ("unsized", {"cut": 1000, "times": 1}, KEPT),
    ("unsized", {"cut": 1000}, AGAIN + "digest_mismatch"),
    ("endless", {}, LOST + "too_large"),
    ("endless", {"chunks": False}, LOST + "too_large"),
    ("headers", {"size": 4096, "count": 10}, KEPT),
    ("headers", {}, AGAIN + "source_unreachable"),
    ("changed", {}, "kept as the new file"),
    ("changed", {"obey": False}, "kept as the new file"),
    ("shifted", {}, KEPT),
    ("norange", {}, KEPT),
    ("gzip", {}, KEPT),
    ("bomb", {"size": 2**26}, LOST + "too_large"),
    ("page", {"kind": "html"}, LOST + "not_media"),
    ("page", {"kind": "xml"}, LOST + "not_media"),
    ("page", {"kind": "json"}, LOST + "not_media"),
    ("page", {"kind": "html", "disguised": True}, LOST + "not_media"),
    ("page", {"kind": "html", "status": 403}, LOST + "source_forbidden"),
    ("type", {}, KEPT),
    ("type", {"value": ""}, KEPT),
    ("type", {"value": "text/html"}, KEPT),
    ("digest", {"times": 1}, KEPT),
    ("digest", {}, AGAIN + "digest_mismatch"),
    ("truncated", {}, AGAIN + "truncated"),
    ("truncated", {"part": 0.01}, AGAIN + "truncated"),
    ("empty", {}, LOST + "not_media"),
    ("status", {"code": 400}, LOST + "source_forbidden"),
    ("status", {"code": 401}, LOST + "source_forbidden"),
    ("status", {"code": 403}, LOST + "source_forbidden"),
    ("status", {"code": 404}, LOST + "source_not_found"),
    ("status", {"code": 410}, LOST + "source_not_found"),
    ("status", {"code": 451}, LOST + "source_forbidden"),
    ("status", {"code": 408}, AGAIN + "source_unreachable"),
    ("status", {"code": 429}, AGAIN + "source_unreachable"),
    ("status", {"code": 429, "retry_after": 1, "times": 1}, KEPT),
    ("status", {"code": 500}, AGAIN + "source_unreachable"),
    ("status", {"code": 503}, AGAIN + "source_unreachable"),
    ("status", {"code": 503, "times": 1}, KEPT),
    ("redirect", {}, KEPT),
    ("redirect", {"hops": 5}, KEPT),
    ("redirect", {"hops": 6}, LOST + "too_many_redirects"),
    ("redirect", {"code": 308}, KEPT),
    ("redirect", {"to": "loop"}, LOST + "too_many_redirects"),
    ("redirect", {"to": "host"}, LOST + "blocked_address"),
    ("redirect", {"to": "private"}, LOST + "blocked_address"),
    ("redirect", {"to": "metadata"}, LOST + "blocked_address"),
    ("redirect", {"to": "ftp"}, LOST + "unsupported_scheme"),
    ("redirect", {"to": "file"}, LOST + "unsupported_scheme"),
    ("redirect", {"to": "http://localhost/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://[::ffff:10.0.0.1]/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://[64:ff9b::a00:1]/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://2130706433/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://100.64.0.1/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://0.0.0.0/a.png"}, LOST + "blocked_address"),
    ("redirect", {"to": "http://224.0.0.1/a.png"}, LOST + "blocked_address"),
]


def seed(number: int) -> int:
    """Far apart: where a file changes, it becomes the one of the next seed."""
    return 1000 + 10 * number


def test_the_matrix_holds_every_fault_of_the_simulator() -> None:
    assert {fault for fault, _, _ in MATRIX} == set(faults.FAULTS)


def test_every_fault_ends_as_it_should(me: Caller, sim: simulators.Simulator, stack: Stack) -> None:
    urls = [samples.url(sim, seed(number), fault=fault, **how) for number, (fault, how, _) in enumerate(MATRIX)]
    results = me.post("/v1/keep/batch", {"items": [{"url": url} for url in urls]}).json()["results"]
    ids = [result["media"]["id"] for result in results]
    ends = until(lambda: _all_tried(stack, ids))
    came = [
        (fault, how, _named(ends[item], number))
        for number, ((fault, how, _), item) in enumerate(zip(MATRIX, ids, strict=True))
    ]
    assert [(*end[:2], SURPLUS) if end[2] in SURPLUS_ENDS and end[0] == "long" else end for end in came] == MATRIX


def _all_tried(stack: Stack, ids: list[str]) -> dict[str, tuple[Any, ...]] | None:
    """Status, code of the loss, code of the last try, and digest of each, once all have ended or failed once."""
    rows = stack.sql(
        "select m.id::text, m.status, m.lost_code, c.last_code, m.sha256 from ambrotype.media m"
        " left join ambrotype.capture c on c.media_id = m.id where m.id = any(%(ids)s)",
        ids=ids,
    )
    tried = {row[0]: row[1:] for row in rows if row[1] != "keeping" or row[3] is not None}
    # One whose first failure passes is on its way to being kept still.
    passing = [
        item
        for item, (_, how, end) in zip(ids, MATRIX, strict=True)
        if end == KEPT and tried.get(item, "k")[0] == "keeping"
    ]
    return tried if len(tried) == len(ids) and not passing else None


def _named(end: tuple[Any, ...], number: int) -> str:
    status, lost, last, digest = end
    if status == "keeping":
        return AGAIN + last
    if status == "lost":
        return LOST + lost
    names = {
        samples.sha256(samples.picture(seed(number) + step)): name
        for step, name in ((0, KEPT), (1, "kept as the new file"))
    }
    return names.get(digest.hex(), f"{status} with wrong bytes")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"fault": "status", "code": 503}, "source_unreachable"),
        ({"fault": "digest"}, "digest_mismatch"),
        ({"fault": "truncated"}, "truncated"),
        ({"fault": "reset"}, "source_unreachable"),
    ],
)
def test_what_fails_until_its_deadline_is_lost_with_its_last_reason(
    me: Caller, sim: simulators.Simulator, fault: dict[str, Any], code: str
) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    item = me.kept(samples.url(sim, 2000, style="public", **fault), source_expires_at=ends.isoformat())
    assert (item["status"], item["source_expiry_rule"]) == ("lost", "told")
    assert (item["lost"]["code"], item["lost"]["retryable"]) == (code, True)


@pytest.mark.parametrize("style", ["s3", "tos", "gcs", "cloudfront", "cloudfront-policy", "azure"])
def test_a_url_that_has_run_out_is_lost_as_expired(me: Caller, sim: simulators.Simulator, style: str) -> None:
    item = me.kept(samples.url(sim, 2001, style=style, ttl=-1))
    assert (item["status"], item["lost"]["code"], item["lost"]["retryable"]) == ("lost", "source_expired", False)
    assert "sig" not in item["lost"]["detail"].lower()


@pytest.mark.parametrize(("style", "code"), [("replicate", "source_not_found"), ("fal", "source_not_found")])
def test_where_only_the_server_knows_the_end_its_answer_counts(
    me: Caller, sim: simulators.Simulator, style: str, code: str
) -> None:
    item = me.kept(samples.url(sim, 2002, style=style, ttl=-1))
    assert (item["status"], item["lost"]["code"]) == ("lost", code)


def test_a_url_that_dies_while_its_source_fails_is_lost_as_expired(me: Caller, sim: simulators.Simulator) -> None:
    began = time.time()
    item = me.kept(samples.url(sim, 2003, ttl=2, fault="status", code=500))
    assert item["status"] == "lost"
    assert item["lost"]["code"] in ("source_expired", "source_unreachable")
    assert time.time() > began + 1


def test_nothing_of_a_failure_is_left_in_the_store(me: Caller, sim: simulators.Simulator, stack: Stack) -> None:
    failing = (
        {"fault": "page"},
        {"fault": "truncated"},
        {"fault": "digest"},
        {"fault": "endless"},
        {"fault": "cut", "ranges": False},
    )
    ids = [me.keep(samples.url(sim, 2010 + n, **how)).json()["id"] for n, how in enumerate(failing)]
    done = "select count(*) from ambrotype.media m left join ambrotype.capture c on c.media_id = m.id where m.id = any(%(ids)s)"
    until(
        lambda: (
            stack.sql(f"{done} and (m.status = 'lost' or (c.last_code is not null and c.lease is null))", ids=ids)
            == [(5,)]
        )
    )
    assert not [file for file in stack.objects() if any(item in str(file) for item in ids)]
