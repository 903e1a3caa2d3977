"""Every layout puts every item at a safe place of its own; a template that could not is refused."""

import dataclasses
import datetime
import re
import tomllib
import uuid

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambrotype.core import errors, ids, layout

AT = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
STAMP = "1772366400000"
ID = uuid.UUID("019a9d3c-0000-7000-8000-0000000000aa")
ITEM = layout.Item(
    id=ID, owner_id="019a0000-0000-7000-8000-000000000001", owner_subject="42", owner_kind="user",
    source="generation", kind="image", ext="jpeg", created_at=AT,
)  # fmt: skip
SEGMENT = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,238}[A-Za-z0-9_-])?")
anything = st.text(alphabet=st.characters(), max_size=300)
maybe = st.none() | anything
items = st.builds(
    layout.Item,
    id=st.uuids(),
    owner_id=anything,
    owner_subject=anything,
    owner_kind=st.sampled_from(["user", "guest", "service"]),
    source=st.sampled_from(["upload", "generation", "enhanced", "stock"]),
    kind=st.sampled_from(["image", "video", "audio"]),
    ext=anything,
    role=maybe | st.sampled_from(["base-image", "base_image", "styled-image"]),
    enhancement=maybe,
    project=maybe,
    slot=maybe | st.sampled_from(["../../etc/passwd", "a//b", "/", "character/anna", "..", "."]),
    version=st.none() | st.integers(1, 10**6),
    name=maybe,
    created_at=st.datetimes(datetime.datetime(1980, 1, 1), timezones=st.just(datetime.UTC)),
)
OURS = """
name = "ours"
[[rules]]
bucket = "clips"
path = "{owner_id}/{year}/{month}/{day}/{name}-{id}.{ext}"
when = { kind = "video", source = ["upload", "stock"], slot = false }
[[rules]]
bucket = "slots"
path = "{project}/{slot}/{id}/{version}.{ext}"
[[rules]]
bucket = "media"
path = "{source}/{owner_kind}/{id}.{ext}"
"""
SCENE = {"project": "film", "slot": "scene_1"}
VIDEO = {"kind": "video", "ext": "mp4"}
STYLED = {"source": "enhanced", "role": "styled_image"}
ANNA = {"project": "film", "slot": "character/anna", "version": 3}
STOCK = {"source": "stock", "kind": "video", "name": "a.fox.mp4"}
LAYOUTS = {**layout.PRESETS, "ours": layout.from_mapping(tomllib.loads(OURS))}


def at(preset: str, /, **changes: object) -> str:
    found = layout.place(LAYOUTS[preset], dataclasses.replace(ITEM, **changes))  # type: ignore[arg-type]
    return f"{found.bucket}/{found.path}"


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=60)
@given(item=items)
def test_every_item_has_a_safe_place_that_holds_its_id(name: str, item: layout.Item) -> None:
    found = layout.place(LAYOUTS[name], item)
    assert str(item.id) in found.path
    assert all(SEGMENT.fullmatch(segment) for segment in found.path.split("/")), found.path
    assert len(found.path) <= 1024
    assert found == layout.place(LAYOUTS[name], item)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=60)
@given(one=items, two=items)
def test_two_items_never_share_a_place(name: str, one: layout.Item, two: layout.Item) -> None:
    imitation = dataclasses.replace(two, name=f"x-{one.id}.{one.ext}", slot=f"s/{one.id}", project=str(one.id))
    again = dataclasses.replace(one, id=ids.new())
    hypothesis.assume(one.id != two.id)
    assert len({layout.place(LAYOUTS[name], item) for item in (one, imitation, again)}) == 3


@pytest.mark.parametrize(
    ("name", "changes", "place"),
    [
        ("default", {}, f"media/generation/{ITEM.owner_id}/images/{ID}.jpeg"),
        ("default", ANNA, f"media/projects/film/character/anna/v3-{ID}.jpeg"),
        ("playground", {"role": "base_image"}, f"playground-uploads/42/base-images/{ID}.jpeg"),
        ("playground", {"source": "upload"}, f"playground-uploads/42/base-images/{ID}.jpeg"),
        ("playground", {}, f"playground-images/42/saved/image-{STAMP}-{ID}.jpeg"),
        ("playground", VIDEO, f"playground-videos/42/saved/video-{STAMP}-{ID}.mp4"),
        ("hug", {"source": "upload"}, f"hug-images/{ID}.jpeg"),
        ("hug", VIDEO, f"hug-videos/{ID}.mp4"),
        ("unified", {"source": "enhanced"}, f"user-media/enhanced/42/{ID}.jpeg"),
        ("unified", {"source": "upload"}, f"user-media/uploads/42/images/{ID}.jpeg"),
        ("unified", {"source": "upload", "kind": "video"}, f"user-media/uploads/42/videos/{ID}.jpeg"),
        ("unified", {}, f"playground-images/42/generated/{ID}.jpeg"),
        ("unified", STYLED, f"playground-images/42/enhanced/{ID}.jpeg"),
        ("scenes", SCENE, f"scene-images/projects/film/scenes/scene_1_{STAMP}-{ID}.jpeg"),
        ("scenes", {**SCENE, **VIDEO}, f"scene-images/projects/film/videos/scene_1_{STAMP}-{ID}.mp4"),
        ("ours", STOCK, f"clips/{ITEM.owner_id}/2026/03/01/a.fox-{ID}.jpeg"),
        ("ours", {**STOCK, "slot": "s"}, f"media/stock/user/{ID}.jpeg"),
        ("ours", {"project": "p", "slot": "s", "version": 1}, f"slots/p/s/{ID}/1.jpeg"),
    ],
)  # fmt: skip
def test_the_presets_reproduce_the_buckets_and_paths_of_their_systems(
    name: str, changes: dict[str, object], place: str
) -> None:
    assert at(name, **changes) == place


def test_an_extension_is_a_short_plain_word() -> None:
    assert at("hug", ext=".JPEG") == f"hug-images/{ID}.jpeg"
    assert at("hug", ext="../x") == f"hug-images/{ID}.x"
    assert at("hug", ext="") == f"hug-images/{ID}.bin"


@settings(max_examples=200)
@given(anything)
def test_a_safe_name_is_safe_and_stays_as_it_is(text: str) -> None:
    name = layout.safe(text)
    assert SEGMENT.fullmatch(name)
    assert len(name) <= 80
    assert layout.safe(name) == name


@settings(max_examples=200)
@given(anything, anything)
def test_two_names_stay_two(one: str, two: str) -> None:
    assert (layout.safe(one) == layout.safe(two)) is (one == two)


@pytest.mark.parametrize("text", ["scene_1", "a-b.c", "42", "x" * 80, ITEM.owner_id])
def test_a_name_that_is_safe_already_is_left_alone(text: str) -> None:
    assert layout.safe(text) == text


@pytest.mark.parametrize(
    ("text", "start"),
    [("Café No. 5", "Cafe-No.-5-"), ("../x", "x-"), ("a/b", "a-b-"), ("y" * 99, "y" * 71 + "-")],
)
def test_a_reduced_name_can_still_be_read(text: str, start: str) -> None:
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{8}", layout.safe(text))


def test_a_reduced_file_name_keeps_its_extension() -> None:
    assert re.fullmatch(r"my-fox-[0-9a-f]{8}\.png", layout.safe("my fox.png"))
    assert re.fullmatch(r"x{67}-[0-9a-f]{8}\.png", layout.safe("x" * 99 + ".png"))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("{owner_id}/{title}-{id}", "no field title"),
        ("{owner_id}/{kind}.{ext}", "holds {id}, once"),
        ("{id}/{id}", "holds {id}, once"),
        ("/{id}.{ext}", "relative"),
        ("a/../{id}.{ext}", "dot"),
        ("a//{id}.{ext}", "empty"),
        (".tmp/{id}.{ext}", "dot"),
        ("{id}/", "empty"),
        ("", "made of"),
        ("{id.__class__}", "made of"),
        ("{{id}}", "made of"),
        ("a b/{id}", "made of"),
        ("a\\{id}", "made of"),
        ("{id}-{name}.{ext}", "end it in {id}"),
        ("{id}/{project}/x.{ext}", "end it in {id}"),
        ("{owner_id}{role}{name}-{id}.{ext}", "grow beyond"),
        ("x" * 241 + "/{id}", "grow beyond"),
        ("{project}/{slot}/{project}/{slot}/{id}", "grow beyond"),
    ],
)  # fmt: skip
def test_a_template_that_could_mix_up_items_is_refused(path: str, says: str) -> None:
    with pytest.raises(errors.InvalidSetting) as refused:
        layout.from_mapping({"rules": [{"bucket": "media", "path": path}]})
    assert says in str(refused.value)


@pytest.mark.parametrize("bucket", ["", "a", "../x", "a/b", ".hidden", "a..b", "{source}", "x" * 64, "media\n"])
def test_a_bucket_is_a_plain_fixed_name(bucket: str) -> None:
    with pytest.raises(errors.InvalidSetting, match="a bucket is 3 to 63"):
        layout.from_mapping({"rules": [{"bucket": bucket, "path": "{id}"}]})


LAST = {"bucket": "media", "path": "{id}"}


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({}, "holds nothing"),
        ({"rules": []}, "one table"),
        ({"rules": [LAST], "rule": 1}, "nothing else"),
        ({"name": 1, "rules": [LAST]}, "name"),
        ({"rules": ["x"]}, "rule 1 needs"),
        ({"rules": [{"bucket": "media"}]}, "rule 1 needs"),
        ({"rules": [{**LAST, "if": {}}]}, "rule 1 needs"),
        ({"rules": [{**LAST, "path": 1}]}, "are texts"),
        ({"rules": [{**LAST, "when": {"kind": "vidoe"}}, LAST]}, "one of audio, image, video, not vidoe"),
        ({"rules": [{**LAST, "when": {"colour": "red"}}, LAST]}, "no condition colour"),
        ({"rules": [{**LAST, "when": {"kind": 3}}, LAST]}, "not 3"),
        ({"rules": [{**LAST, "when": {"kind": []}}, LAST]}, "not []"),
        ({"rules": [{**LAST, "when": {"kind": "image"}}]}, "the last rule, and no other"),
        ({"rules": [{**LAST, "path": "{name}/{id}"}]}, "the last rule, and no other"),
        ({"rules": [LAST, LAST]}, "the last rule, and no other"),
    ],
)  # fmt: skip
def test_a_wrong_layout_file_is_refused_with_a_sentence(mapping: dict[str, object], says: str) -> None:
    with pytest.raises(errors.InvalidSetting) as refused:
        layout.from_mapping(mapping)
    assert says in str(refused.value)


def test_a_preset_is_found_by_its_name() -> None:
    assert layout.preset("scenes").name == "scenes"
    with pytest.raises(errors.InvalidSetting, match="no layout 'flat': use default, hug, playground, scenes, unified"):
        layout.preset("flat")
