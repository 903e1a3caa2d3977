"""Pictures of pictures, over HTTP: the size and format asked for, upright, in sRGB, telling nothing but what they show."""

import concurrent.futures
from typing import Any

import pytest
import pyvips

from tests.api import stack as stacks
from tests.renditions import conftest as house

WIDTH, HEIGHT = 1000, 600


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return bytes(house.painted(WIDTH, HEIGHT).jpegsave_buffer(Q=90))


@pytest.fixture
def item(me: stacks.Caller, jpeg: bytes) -> Any:
    return house.keep(me, jpeg, visibility="unlisted", name="fox.jpeg")


@pytest.mark.parametrize(
    ("query", "size", "form"),
    [
        ("w=320", (320, 192), "webp"),
        ("w=300", (320, 192), "webp"),
        ("h=256&format=jpeg", (427, 256), "jpeg"),
        ("w=256&h=256&fit=cover", (256, 256), "webp"),
        ("w=256&h=256&fit=contain&format=png", (256, 256), "png"),
        ("w=256&h=256", (256, 154), "webp"),
        ("w=3840", (WIDTH, HEIGHT), "webp"),
        ("w=3840&h=3840&fit=cover", (HEIGHT, HEIGHT), "webp"),
        ("w=128&format=avif", (128, 77), "avif"),
        ("rendition=thumb", (400, 240), "webp"),
        ("q=50", (WIDTH, HEIGHT), "webp"),
    ],
)
def test_it_has_the_size_and_format_that_were_asked_for(
    stack: stacks.Stack, item: Any, query: str, size: tuple[int, int], form: str
) -> None:
    reply = house.made(stack.nobody, f"/m/{item['id']}/fox?{query}")
    assert (reply.status, reply.headers["content-type"]) == (200, f"image/{form}"), reply.body[:300]
    picture = house.seen(reply.body)
    assert (picture.width, picture.height) == size
    assert f".{form}" in reply.headers["content-disposition"]


def test_it_is_delivered_like_any_file(stack: stacks.Stack, item: Any) -> None:
    where = f"/m/{item['id']}/fox?w=320"
    whole = house.made(stack.nobody, where)
    tag = whole.headers["etag"]
    assert tag != f'"{item["sha256"]}"'
    assert stack.nobody.get(where, If_None_Match=tag).status == 304
    part = stack.nobody.get(where, Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole.body[10:20])
    head = stack.nobody.send("HEAD", where)
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(whole.body)), b"")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    saved = stack.nobody.get(f"{where}&download=1")
    assert saved.headers["content-disposition"] == 'attachment; filename="fox-w320-webp-q80.webp"'


@pytest.mark.parametrize(
    ("accept", "form"),
    [("image/avif,image/webp,*/*", "avif"), ("image/webp,*/*", "webp"), ("*/*", "jpeg"), ("image/webp;q=0", "jpeg")],
)
def test_auto_follows_what_the_client_takes(stack: stacks.Stack, item: Any, accept: str, form: str) -> None:
    reply = house.made(stack.nobody.with_(Accept=accept), f"/m/{item['id']}/fox?w=64&format=auto")
    assert (reply.headers["content-type"], reply.headers["vary"]) == (f"image/{form}", "Accept")


@pytest.mark.parametrize(
    "query",
    ["w=0", "w=-1", "w=99999", "w=", "w=1e3", "w=10.5", "w=%D9%A1", "fit=stretch", "format=svg", "q=0", "q=101",
     "rendition=huge", "rendition=thumb&w=64", "rendition=720p", "rendition=poster", "w=64&w=64"],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(stack: stacks.Stack, item: Any, query: str) -> None:
    reply = stack.nobody.get(f"/m/{item['id']}/fox?{query}")
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


def test_a_hundred_who_ask_at_once_get_one_file(stack: stacks.Stack, item: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(25) as many:
        replies = list(many.map(lambda _: house.made(stack.nobody, f"/m/{item['id']}/fox?w=480"), range(100)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.headers["etag"] for reply in replies}) == 1
    rows = stack.sql(
        "select attempts, state from ambrotype.rendition where media_id = %(id)s and name = 'w480-webp-q80'",
        id=item["id"],
    )
    assert rows == [(1, "made")]


def test_it_is_stored_beside_the_original(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    house.inspected(me, item["id"])
    house.made(stack.nobody, f"/m/{item['id']}/fox?w=128")
    folder = stack.data / "store" / item["bucket"] / "renditions" / item["id"]
    assert sorted(file.name for file in folder.iterdir()) == ["thumb-1.webp", "w128-webp-q80-1.webp"]


def test_a_thumbnail_is_there_before_anybody_asks(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    house.inspected(me, item["id"])
    assert stack.sql("select name, state from ambrotype.rendition where media_id = %(id)s", id=item["id"]) == [
        ("thumb", "made")
    ]
    events = me.get(f"/v1/media/{item['id']}/events").json()["items"]
    assert ("media.rendition", {"name": "thumb", "state": "made"}) in [(one["type"], one["data"]) for one in events]


def test_a_picture_stands_upright_and_tells_nothing_of_where_it_was_taken(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    picture = house.painted(640, 320).copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", 6)
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "52/1 31/1 0/1 (52, 31, 0, Rational, 3)")
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "A. N. Other (A. N. Other, ASCII, 12)")
    item = house.keep(me, bytes(picture.jpegsave_buffer()), visibility="unlisted")
    for form in ("webp", "jpeg", "avif", "png"):
        reply = house.made(stack.nobody, f"/m/{item['id']}/x?w=64&format={form}")
        small = house.seen(reply.body)
        assert (small.width, small.height) == (64, 128)
        assert b"Other" not in reply.body
        assert not [name for name in small.get_fields() if "exif" in name or "icc" in name]
    # Turned by a quarter to the right, what was on the left is above.
    red, blue = small.getpoint(32, 10), small.getpoint(32, 118)
    assert red[0] > 180 > 90 > red[2]
    assert blue[2] > 180 > 90 > blue[0]


def test_that_a_machine_made_it_is_carried_along(stack: stacks.Stack, me: stacks.Caller) -> None:
    picture = house.painted(320, 200).copy()
    code = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:dc="urn:x"'
        f' dc:creator="Somebody" Iptc4xmpExt:DigitalSourceType="{code}"/></rdf:RDF></x:xmpmeta>'
    )
    picture.set_type(pyvips.GValue.blob_type, "xmp-data", xmp.encode())
    item = house.keep(me, bytes(picture.pngsave_buffer(keep="xmp")), visibility="unlisted")
    for query in ("w=64", "w=64&format=jpeg", "w=64&format=avif", "w=64&format=png", "rendition=thumb"):
        body = house.made(stack.nobody, f"/m/{item['id']}/x?{query}").body
        assert code.encode() in house.seen(body).get("xmp-data"), query
        assert b"Somebody" not in body


def test_what_is_see_through_stays_so_where_it_can(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = house.keep(me, bytes(house.painted(400, 200, alpha=True).pngsave_buffer()), visibility="unlisted")
    webp = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?w=64").body)
    assert webp.hasalpha()
    jpeg = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?w=64&format=jpeg").body)
    assert jpeg.getpoint(60, 10) == [255, 255, 255]


def test_an_animation_goes_on_moving_as_webp(stack: stacks.Stack, me: stacks.Caller) -> None:
    frames = [house.painted(300, 200), house.painted(300, 200).invert(), house.painted(300, 200).fliphor()]
    roll = pyvips.Image.arrayjoin(frames, across=1).copy()
    roll.set_type(pyvips.GValue.gint_type, "page-height", 200)
    item = house.keep(me, bytes(roll.gifsave_buffer()), visibility="unlisted")
    moving = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?w=128").body)
    assert (moving.get("n-pages"), moving.width, moving.get("page-height")) == (3, 128, 85)
    still = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?w=128&format=jpeg").body)
    assert (still.width, still.height) == (128, 85)


def test_what_is_trashed_or_purged_is_shown_like_its_original(
    stack: stacks.Stack, me: stacks.Caller, item: Any
) -> None:
    where = f"/m/{item['id']}/x?w=128"
    house.made(stack.nobody, where)
    assert me.send("DELETE", f"/v1/media/{item['id']}").status in (200, 204)
    assert (stack.nobody.get(where).status, me.get(where).status) == (404, 200)
    assert me.send("DELETE", f"/v1/media/{item['id']}?purge=true").status in (200, 204)
    assert (me.get(where).status, stack.nobody.get(where).status) == (410, 410)


def test_items_tell_where_their_renditions_are(stack: stacks.Stack, me: stacks.Caller, jpeg: bytes) -> None:
    private = house.inspected(me, house.keep(me, jpeg)["id"])
    assert set(private["renditions"]) == {"thumb", "w320", "w640"}
    for url in private["renditions"].values():
        assert house.made(stack.nobody, house.place(url)).status == 200
    public = me.send("PATCH", f"/v1/media/{private['id']}", {"visibility": "public"}).json()
    assert public["renditions"]["w640"] == f"{public['url']}?w=640"
    reply = house.made(stack.nobody, house.place(public["renditions"]["w640"]))
    assert reply.headers["cache-control"].startswith("public")


def test_usage_tells_what_renditions_take(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    house.inspected(me, item["id"])
    sizes = [len(house.made(me, f"/m/{item['id']}/x?{query}").body) for query in ("w=64", "rendition=thumb")]
    assert me.get("/v1/usage?group_by=kind").json()["total"]["rendition_bytes"] == sum(sizes)


def test_a_slots_and_a_drawings_pictures_are_refused_where_there_is_no_decoder(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
    item = house.inspected(me, house.keep(me, svg, visibility="unlisted")["id"])
    assert item["renditions"] == {}
    for _ in range(2):
        reply = stack.nobody.get(f"/m/{item['id']}/x?w=64")
        assert (reply.status, reply.problem()["code"]) == (422, "unsupported_type")
    assert stack.sql("select attempts, state from ambrotype.rendition where media_id = %(id)s", id=item["id"]) == [
        (1, "failed")
    ]
