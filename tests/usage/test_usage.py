"""Usage: what is stored, delivered and paid for, of the caller alone. A byte costs 1 USD a month, and 2 to send."""

import json
import urllib.parse
from typing import Any

from ambrotype.core import errors
from ambrotype.delivery import counting, handler
from tests.api import samples
from tests.api import stack as stacks
from tests.delivery import samples as rows

PICTURES = [samples.picture(seed) for seed in (1, 2, 3)]


def kept(me: stacks.Caller, data: bytes, **fields: Any) -> Any:
    made = me.keep(data=samples.base64_of(data), **fields)
    assert made.status == 201, made.body
    return made.json()


def seen(stack: stacks.Stack, item: Any, **headers: str) -> stacks.Reply:
    found = urllib.parse.urlsplit(item["access_url"])
    return stack.nobody.get(f"{found.path}?{found.query}", **headers)


def usage(me: stacks.Caller, group_by: str = "kind") -> Any:
    reply = me.get(f"/v1/usage?group_by={group_by}")
    assert reply.status == 200, reply.body
    return reply.json()


def groups(me: stacks.Caller, group_by: str) -> dict[str | None, Any]:
    return {group["key"]: group for group in usage(me, group_by)["groups"]}


def test_items_and_bytes_are_summed_up_by_each_dimension(me: stacks.Caller) -> None:
    made = [
        kept(me, PICTURES[0], provider="fal", model="flux", project="film"),
        kept(me, PICTURES[1], provider="fal", model="sdxl", source="generation"),
        kept(me, PICTURES[2]),
    ]
    sizes = [item["size"] for item in made]
    total = usage(me)["total"]
    assert (total["items"], total["bytes"]) == (3, sum(sizes))
    assert total["projected_monthly_cost"] == sum(sizes) + total["rendition_bytes"]
    assert {key: group["items"] for key, group in groups(me, "provider").items()} == {"fal": 2, None: 1}
    assert groups(me, "provider")["fal"]["bytes"] == sizes[0] + sizes[1]
    assert {key: group["bytes"] for key, group in groups(me, "model").items()} == {
        "flux": sizes[0], "sdxl": sizes[1], None: sizes[2],
    }  # fmt: skip
    assert {key: group["items"] for key, group in groups(me, "project").items()} == {"film": 1, None: 2}
    assert groups(me, "kind")["image"]["items"] == 3
    assert set(groups(me, "month")) == {made[0]["created_at"][:7]}
    assert sum(group["items"] for group in groups(me, "source").values()) == 3


def test_the_trash_counts_and_what_was_purged_does_not(me: stacks.Caller) -> None:
    item = kept(me, PICTURES[0])
    me.send("DELETE", f"/v1/media/{item['id']}")
    assert usage(me)["total"]["bytes"] == item["size"]
    me.send("DELETE", f"/v1/media/{item['id']}?purge=true")
    assert usage(me)["total"]["items"] == 0


def test_what_is_delivered_is_counted_once_for_each_beginning(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = kept(me, PICTURES[0], project="film")
    assert seen(stack, item).status == 200
    assert seen(stack, item, Range="bytes=0-9").status == 206
    assert seen(stack, item, Range="bytes=10-19").status == 206
    whole = urllib.parse.urlsplit(item["access_url"])
    assert stack.nobody.send("HEAD", f"{whole.path}?{whole.query}").status == 200
    sent = item["size"] + 20
    total = stacks.until(lambda: (found := usage(me)["total"])["egress_bytes"] and found)
    assert (total["views"], total["egress_bytes"]) == (2, sent)
    stored = item["size"] + total["rendition_bytes"]
    assert total["projected_monthly_cost"] == stored + 2 * sent
    for dimension, key in (("project", "film"), ("kind", "image"), ("month", item["created_at"][:7])):
        group = groups(me, dimension)[key]
        assert (group["views"], group["egress_bytes"]) == (2, sent), dimension


def test_egress_is_remembered_of_what_is_gone_and_projected_from_the_last_30_days(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    item = kept(me, PICTURES[0])
    seen(stack, item)
    stacks.until(lambda: usage(me)["total"]["views"])
    stack.sql(
        "update ambrotype.delivered d set day = day - 40 from ambrotype.media m"
        " where m.id = %(id)s and d.owner_id = m.owner_id",
        id=item["id"],
    )
    me.send("DELETE", f"/v1/media/{item['id']}")
    me.send("DELETE", f"/v1/media/{item['id']}?purge=true")
    total = usage(me)["total"]
    assert (total["items"], total["egress_bytes"], total["projected_monthly_cost"]) == (0, item["size"], 0)


def test_costs_are_summed_up_by_currency(stack: stacks.Stack, me: stacks.Caller) -> None:
    paid = ({"amount": 0.1, "currency": "USD"}, {"amount": 0.2}, {"amount": 3, "currency": "cny"}, {"amount": "x"})
    for n, cost in enumerate(paid):
        item = kept(me, samples.picture(10 + n), model=f"m{n % 2}")
        stack.sql(
            "update ambrotype.media_text set cost = %(cost)s::jsonb where media_id = %(id)s",
            cost=json.dumps(cost),
            id=item["id"],
        )
    total = usage(me)["total"]
    assert (total["cost"], total["other_costs"]) == (0.3, {"CNY": 3.0})
    assert groups(me, "model")["m0"]["cost"] == 0.1
    assert groups(me, "model")["m0"]["other_costs"] == {"CNY": 3.0}


def test_nobody_sees_what_others_use(stack: stacks.Stack, me: stacks.Caller, app_key: stacks.Caller) -> None:
    item = kept(me, PICTURES[0])
    seen(stack, item)
    stacks.until(lambda: usage(me)["total"]["views"])
    other = app_key.with_(Ambrotype_Owner=stacks.somebody())
    assert usage(other)["groups"] == []
    assert usage(other)["total"]["views"] == 0
    assert me.get("/v1/usage?group_by=owner").problem()["code"] == "forbidden"
    assert me.get("/v1/usage?group_by=colour").status == 422


def test_the_administrator_sees_who_uses_what(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = kept(me, PICTURES[0])
    found = groups(stack.service, "owner")[me.headers["Ambrotype-Owner"]]
    assert (found["items"], found["bytes"], found["app"]) == (1, item["size"], "default")


async def test_counts_that_can_not_be_written_wait() -> None:
    written: list[Any] = []
    down = True

    async def write(counts: Any) -> None:
        if down:
            raise errors.Unavailable("The database does not answer.")
        written.extend(counts)

    item = rows.kept(b"12345")
    counts = counting.Counting(write)
    counts.count(handler.Delivered(status=200, sent=5, found=item, began=True))
    try:
        await counts.flush()
    except errors.Unavailable:
        down = False
    counts.count(handler.Delivered(status=206, sent=2, estimated=True, found=item))
    counts.count(handler.Delivered(status=304, found=item))
    counts.count(handler.Delivered(status=404))
    await counts.flush()
    await counts.flush()
    assert written == [{"id": str(item.id), "views": 1, "bytes": 7, "estimated": 2}]
