"""Each filter and order against a plain reference in Python, on random libraries."""

import asyncio
import datetime
import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ambrotype.core import errors, media, words
from ambrotype.library import editing, filters, listing
from ambrotype.records import database
from tests.library import shelf

PROMPTS = ["a red fox", "Ein roter Fuchs im Café", "赤い狐 東京都", "blue robot city", "red robot", ""]


@pytest.fixture
async def library(data: database.Database) -> list[media.Media]:
    """Sixty random items of Anna, some of Bert, some in the trash; Anna's as they are listed one by one."""
    chance = random.Random(7)
    made = []
    for n in range(60):
        kind = chance.choice(["image", "image", "video", "audio"])
        fields: dict[str, Any] = {
            "source": chance.choice(["generation", "upload", "enhanced", "stock"]),
            "provider": chance.choice(["fal", "openai", None]),
            "model": chance.choice(["m1", "m2", None]),
            "project": chance.choice(["film", "book", None]),
            "prompt": chance.choice(PROMPTS),
            "title": chance.choice(["Alpha", "beta", "Gamma", None, f"T{n}"]),
            "tags": chance.sample(["a", "b", "c", "d"], k=chance.randint(0, 3)),
            "favorite": chance.random() < 0.3,
            "visibility": chance.choice(["private", "unlisted", "public"]),
            "enhancement": chance.choice([None, "Nano Banana"]),
            "request_id": f"r{n % 9}",
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        if fields.get("project") and chance.random() < 0.4:
            fields["slot"] = chance.choice(["s1", "s2"])
        if chance.random() < 0.2:
            made.append(await shelf.accepted(data, mode=chance.choice(["keep", "temporary"]), **fields))
            continue
        made.append(
            await shelf.kept(
                data,
                size=chance.randint(0, 5) * 100,
                width=chance.choice([None, 100, 200, 300]),
                duration=chance.choice([None, 1.5, 9.0]) if kind != "image" else None,
                kind=kind,
                content_type={"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}[kind],
                **fields,
            )
        )
    for _ in range(5):
        await shelf.kept(data, shelf.BERT, prompt="a red fox", tags=["a"], project="film")
    for media_id in made[::13]:
        await editing.delete(data, shelf.ANNA, media_id)
    found = []
    for media_id in made:
        try:
            found.append(await listing.get(data, shelf.ANNA, shelf.ADDRESSES, media_id))
        except errors.Gone:
            continue
    return found


def live(item: media.Media) -> bool:
    return item.status in ("kept", "keeping") and item.deleted_at is None


def has_words(item: media.Media, *wanted: str) -> bool:
    texts = " ".join(filter(None, [item.title, item.prompt, item.description, item.name, *item.tags]))
    found = list(words.words(texts))
    return all(any(word.startswith(one) for word in found) for one in wanted)


Check = Callable[[media.Media], bool]
CASES: list[tuple[dict[str, Any], Check]] = [
    ({}, live),
    ({"status": ["temporary"]}, lambda m: m.status == "temporary" and m.deleted_at is None),
    ({"status": ["kept", "temporary"]}, lambda m: m.status in ("kept", "temporary") and m.deleted_at is None),
    ({"kind": ["video"]}, lambda m: live(m) and m.kind == "video"),
    ({"kind": ["video", "audio"]}, lambda m: live(m) and m.kind in ("video", "audio")),
    ({"source": ["upload"]}, lambda m: live(m) and m.source == "upload"),
    ({"source": ["generation", "stock"]}, lambda m: live(m) and m.source in ("generation", "stock")),
    ({"enhancement": ["Nano Banana"]}, lambda m: live(m) and m.enhancement == "Nano Banana"),
    ({"provider": ["fal"]}, lambda m: live(m) and m.provider == "fal"),
    ({"model": ["m1", "m2"]}, lambda m: live(m) and m.model in ("m1", "m2")),
    ({"project": ["film"]}, lambda m: live(m) and m.project == "film"),
    ({"project": ["film"], "slot": ["s1"]}, lambda m: live(m) and m.project == "film" and m.slot == "s1"),
    ({"tag": ["a"]}, lambda m: live(m) and "a" in m.tags),
    ({"tag": ["a", "d"]}, lambda m: live(m) and bool({"a", "d"} & set(m.tags))),
    ({"all_tags": ["a", "b"]}, lambda m: live(m) and {"a", "b"} <= set(m.tags)),
    ({"favorite": True}, lambda m: live(m) and m.favorite),
    ({"favorite": False}, lambda m: live(m) and not m.favorite),
    ({"visibility": ["public"]}, lambda m: live(m) and m.visibility == "public"),
    ({"visibility": ["private", "public"]}, lambda m: live(m) and m.visibility in ("private", "public")),
    ({"content_type": ["video/mp4"]}, lambda m: live(m) and m.content_type == "video/mp4"),
    ({"min_size": 200}, lambda m: live(m) and m.size is not None and m.size >= 200),
    ({"max_size": 200}, lambda m: live(m) and m.size is not None and m.size <= 200),
    ({"min_width": 200}, lambda m: live(m) and m.width is not None and m.width >= 200),
    ({"max_width": 200}, lambda m: live(m) and m.width is not None and m.width <= 200),
    ({"min_duration": 2}, lambda m: live(m) and m.duration is not None and m.duration >= 2),
    ({"max_duration": 2}, lambda m: live(m) and m.duration is not None and m.duration <= 2),
    ({"request_id": ["r1", "r2"]}, lambda m: live(m) and m.request_id in ("r1", "r2")),
    ({"trashed": True}, lambda m: m.deleted_at is not None),
    ({"q": "red fox "}, lambda m: live(m) and {"red", "fox"} <= set(words.words(m.prompt or ""))),
    ({"q": "fo"}, lambda m: live(m) and has_words(m, "fo")),
    ({"q": '"red fox"'}, lambda m: live(m) and "red fox" in (m.prompt or "")),
    ({"q": "red -fox "}, lambda m: live(m) and has_words(m, "red") and "fox" not in words.words(m.prompt or "")),
    ({"q": "CAFE "}, lambda m: live(m) and "Café" in (m.prompt or "")),
    ({"q": "東京"}, lambda m: live(m) and "東京" in (m.prompt or "")),
    ({"q": "fuchs or robot "}, lambda m: live(m) and any(w in words.words(m.prompt or "") for w in ("fuchs", "robot"))),
    (
        {"q": "red ", "kind": ["image"], "tag": ["a"]},
        lambda m: live(m) and "red" in words.words(m.prompt or "") and m.kind == "image" and "a" in m.tags,
    ),
]  # fmt: skip


async def everything(
    data: database.Database, *, limit: int = 7, sort: str = "-created_at", **given: Any
) -> list[media.Media]:
    chosen = filters.Filters.model_validate(given)
    cursor, found = None, []
    while True:
        page = await listing.page(
            data, shelf.ANNA, shelf.ADDRESSES, filters=chosen, sort=sort, cursor=cursor, limit=limit
        )
        found += page.items
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


async def test_each_filter_lists_what_the_reference_does(data: database.Database, library: list[media.Media]) -> None:
    for given_filters, check in CASES:
        found = await everything(data, **given_filters)
        assert {item.id for item in found} == {item.id for item in library if check(item)}, given_filters
        assert len(found) == len({item.id for item in found}), given_filters


ORDERS: dict[str, Callable[[media.Media], Any]] = {
    "created_at": lambda m: m.created_at,
    "-created_at": lambda m: m.created_at,
    "size": lambda m: m.size,
    "-size": lambda m: m.size,
    "title": lambda m: m.title.lower() if m.title else None,
    "source_expires_at": lambda m: m.source_expires_at,
}


async def test_each_order_is_the_reference_s_with_what_has_no_value_last(
    data: database.Database, library: list[media.Media]
) -> None:
    for sort, key in ORDERS.items():
        for narrowed in ({}, {"tag": ["a"]}, {"kind": ["image"]}):
            found = [item.id for item in await everything(data, sort=sort, **narrowed)]
            wanted = [
                m
                for m in library
                if live(m)
                and ("tag" not in narrowed or "a" in m.tags)
                and ("kind" not in narrowed or m.kind == "image")
            ]
            down = sort.startswith("-")
            valued = sorted((m for m in wanted if key(m) is not None), key=lambda m: (key(m), m.id), reverse=down)
            without = sorted((m for m in wanted if key(m) is None), key=lambda m: m.id, reverse=down)
            assert found == [m.id for m in valued + without], (sort, narrowed)


async def test_dates_narrow_the_list(data: database.Database, library: list[media.Media]) -> None:
    middle = sorted(m.created_at for m in library)[30]
    after = await everything(data, created_after=middle)
    before = await everything(data, created_before=middle)
    assert {m.id for m in after} == {m.id for m in library if live(m) and m.created_at > middle}
    assert {m.id for m in before} == {m.id for m in library if live(m) and m.created_at < middle}


async def test_items_are_found_by_source_digest_and_parent(data: database.Database) -> None:
    url = "https://bucket.s3.amazonaws.com/a/b.png?X-Amz-Date=20990101T000000Z&X-Amz-Expires=600&X-Amz-Signature="
    parent = await shelf.kept(data, url=url + "aa")
    child = await shelf.kept(data, parents=[{"id": parent, "role": "mask"}])
    item = await listing.get(data, shelf.ANNA, shelf.ADDRESSES, parent)
    assert [m.id for m in await everything(data, source_url=[url + "bb"])] == [parent]
    assert [m.id for m in await everything(data, sha256=[item.sha256])] == [parent]
    assert [m.id for m in await everything(data, parent=[parent])] == [child]


async def test_relevance_ranks_titles_over_prompts_and_pages(data: database.Database) -> None:
    in_prompt = [await shelf.kept(data, prompt="dragon") for _ in range(4)]
    in_title = await shelf.kept(data, title="dragon", prompt="other")
    found = await everything(data, q="dragon ", sort="relevance", limit=2)
    assert found[0].id == in_title
    assert {m.id for m in found[1:]} == set(in_prompt)
    assert len(found) == 5


async def test_facets_count_what_is_listed(data: database.Database, library: list[media.Media]) -> None:
    for narrowed in ({}, {"kind": ["image"]}, {"q": "red "}):
        chosen = filters.Filters.model_validate(narrowed)
        counted = await listing.facets(data, shelf.ANNA, chosen)
        shown = await everything(data, **narrowed)
        for name in ("kind", "source", "provider", "model", "project"):
            values = [getattr(m, name) for m in shown if getattr(m, name) is not None]
            assert counted[name] == {value: values.count(value) for value in set(values)}, (name, narrowed)
        tags = [tag for m in shown for tag in m.tags]
        assert counted["tag"] == {tag: tags.count(tag) for tag in set(tags)}
        assert counted["month"] == {datetime.datetime.now(datetime.UTC).strftime("%Y-%m"): len(shown)}
        assert counted["approximate"] is False


async def test_another_s_media_is_in_no_list_count_or_search(
    data: database.Database, library: list[media.Media]
) -> None:
    mine = {m.id for m in library}
    for given_filters, _ in CASES:
        assert {m.id for m in await everything(data, **given_filters)} <= mine
    with pytest.raises(errors.Forbidden):
        await everything(data, owner=["user:bert"])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), sort=st.sampled_from(sorted(ORDERS)))
def test_what_existed_throughout_is_shown_exactly_once(service: str, seed: int, sort: str) -> None:
    async def run() -> None:
        data = database.Database(service)
        await data.open()
        try:
            await _walk_while_others_write(data, random.Random(seed), sort)
        finally:
            await data.close()

    asyncio.run(run())


async def _walk_while_others_write(data: database.Database, chance: random.Random, sort: str) -> None:
    who = shelf.owners.Principal(role="app", owner=shelf.owners.parse(f"user:{uuid.uuid4()}"))
    stays = {
        await shelf.kept(data, who, size=chance.randint(0, 3), title=chance.choice(["A", "b", ""])) for _ in range(15)
    }
    goes = [await shelf.kept(data, who, size=chance.randint(0, 3)) for _ in range(8)]
    cursor, seen = None, []
    while True:
        page = await listing.page(data, who, shelf.ADDRESSES, sort=sort, cursor=cursor, limit=4)
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        await shelf.kept(data, who, size=chance.randint(0, 3), title=chance.choice(["A", "b", ""]))
        if goes:
            await editing.delete(data, who, goes.pop(chance.randrange(len(goes))))
    assert stays <= set(seen)
    assert len(seen) == len(set(seen))
