"""What nobody comes back to: whole uploads become items, unfinished ones go when their time is over, kept bytes stay."""

from tests.api import samples
from tests.api import stack as stacks
from tests.uploads import asking
from tests.uploads.sweeper import swept


def test_a_whole_upload_becomes_an_item_though_nobody_asks(stack: stacks.Stack, me: stacks.Caller) -> None:
    """As after a kill between the last byte and the item: the worker sees to it."""
    content = samples.picture(200)
    where = asking.begun(me, len(content), filename="left.png")
    asking.patch(me, where, 0, content[:-1])
    upload = where.rpartition("/")[2]
    (stack.data / "store" / ".tmp" / f"{upload}.part").write_bytes(content)
    stack.sql("update ambrotype.upload set received = size where id = %(id)s", id=upload)
    found = stacks.until(lambda: me.get("/v1/media").json()["items"])
    assert [(item["name"], item["sha256"]) for item in found] == [("left.png", samples.sha256(content))]


def test_what_ran_out_goes_and_what_is_kept_stays(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(201)
    open_, unfinished = asking.begun(me, 1000), asking.begun(me, 1000)
    for where in (open_, unfinished):
        assert asking.patch(me, where, 0, content[:100]).status == 204
    done = asking.create(me, len(content), body=content)
    finished = str(done.headers["location"])
    stack.sql(
        "update ambrotype.upload set expires_at = now() - interval '1 second' where id = any(%(ids)s)",
        ids=[where.rpartition("/")[2] for where in (unfinished, finished)],
    )
    before = stack.objects()
    swept(stack)
    gone = {path.name for path in before - stack.objects()}
    assert f"{unfinished.rpartition('/')[2]}.part" in gone
    assert [asking.head(me, where).status for where in (open_, unfinished, finished)] == [200, 404, 404]
    assert me.media(asking.media_id(done))["status"] == "kept"
    assert asking.media_id(done) in "".join(path.name for path in stack.objects())
