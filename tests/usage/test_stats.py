"""How the installation is doing: for service keys alone, as JSON and for Prometheus."""

from prometheus_client import parser

from tests.api import samples
from tests.api import stack as stacks


def test_items_are_counted_by_state_and_captures_by_how_they_ended(stack: stacks.Stack, me: stacks.Caller) -> None:
    before = stack.service.get("/v1/stats").json()
    me.keep(data=samples.base64_of(samples.picture(31)))
    lost = me.keep("http://127.0.0.1:1/nobody-listens.png").json()["id"]
    me.keep("https://example.com/later.png", mode="temporary")
    after = stack.service.get("/v1/stats").json()
    assert after["by_status"]["kept"] == before["by_status"]["kept"] + 1
    assert after["outcomes"]["kept"] == after["by_status"]["kept"]
    assert after["by_status"]["temporary"] == before["by_status"]["temporary"] + 1
    assert after["queue"]["depth"] == before["queue"]["depth"] + 1
    assert after["queue"]["oldest_seconds"] >= 0
    assert after["at_risk"] == before["at_risk"] + 2
    stack.sql(
        "update ambrotype.media set status = 'lost', lost_code = 'source_expired', lost_retryable = false"
        " where id = %(id)s",
        id=lost,
    )
    ended = stack.service.get("/v1/stats").json()
    assert ended["outcomes"]["source_expired"] == before["outcomes"].get("source_expired", 0) + 1
    assert ended["by_status"]["lost"] == before["by_status"]["lost"] + 1


def test_only_service_keys_are_told(stack: stacks.Stack, me: stacks.Caller) -> None:
    for path in ("/v1/stats", "/metrics"):
        assert stack.nobody.get(path).status == 401
        assert me.get(path).problem()["code"] == "forbidden"


def test_prometheus_reads_the_same(stack: stacks.Stack, me: stacks.Caller) -> None:
    me.keep(data=samples.base64_of(samples.picture(32)))
    reply = stack.service.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }
    stats = stack.service.get("/v1/stats").json()
    assert found["ambrotype_media", "kept"] == stats["by_status"]["kept"]
    assert found["ambrotype_captures", "kept"] == stats["outcomes"]["kept"]
    assert found[("ambrotype_queue_depth",)] == stats["queue"]["depth"]
    assert found[("ambrotype_at_risk",)] == stats["at_risk"]
    assert {("ambrotype_views_total",), ("ambrotype_egress_bytes_total",)} <= set(found)


def test_a_token_reads_the_metrics_and_nothing_else(stack: stacks.Stack) -> None:
    scraper = stacks.Caller(port=stack.port, headers={"Authorization": "Bearer scrape-0123456789abcdef"})
    assert scraper.get("/metrics").status == 200
    assert scraper.get("/v1/stats").status == 401
    wrong = stacks.Caller(port=stack.port, headers={"Authorization": "Bearer scrape-0123456789abcdeg"})
    assert wrong.get("/metrics").status == 401
