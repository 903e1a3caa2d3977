"""What the teller of webhooks tells a real receiver, how often, and whom it never reaches."""

import uuid

import orjson
import psycopg
import pytest
import standardwebhooks

from ambrotype.accounts import vault
from ambrotype.capture import network
from ambrotype.core import errors, owners
from ambrotype.core import webhooks as nouns
from ambrotype.library import editing, webhooks
from ambrotype.maintenance import webhooks as telling
from ambrotype.records import database
from tests.events import conftest
from tests.library import shelf

BOX = vault.box([b"0123456789abcdef0123456789abcdef"], purpose="webhooks")
CARL = owners.Principal(role="user", owner=owners.parse("user:carl"))


def teller(data: database.Database, receiver: conftest.Receiver) -> telling.Teller:
    """As `app.work` makes it: keys' webhooks reach what the settings allow, users' nothing private."""
    allowed = network.Allowed.parse([receiver.endpoint])
    return telling.Teller(
        data, box=BOX, allowed=lambda trusted: allowed if trusted else network.NOTHING, user_agent="Ambrotype/test"
    )


async def hooked(
    data: database.Database, url: str, who: owners.Principal = shelf.ANNA, *, events: tuple[str, ...] = ()
) -> nouns.NewWebhook:
    return await webhooks.create(data, who, url=url, events=list(events), seal=BOX.encrypt)


async def told(one: telling.Teller) -> None:
    """Reads and delivers until there is nothing to do at this moment."""
    while await one.read() + await one.deliver():
        pass


def at_once(admin: str) -> None:
    """What waits for a later try is due now."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("update ambrotype.webhook_delivery set next_at = now() where state = 'pending'")


async def log(data: database.Database, hook: uuid.UUID, who: owners.Principal = shelf.ANNA) -> list[nouns.Delivery]:
    return (await webhooks.deliveries(data, who, hook)).items


async def test_each_event_is_told_once_and_signed(data: database.Database, receiver: conftest.Receiver) -> None:
    hook = await hooked(data, receiver.url)
    item = await shelf.kept(data)
    await editing.delete(data, shelf.ANNA, item)
    await shelf.kept(data, shelf.BERT)
    await told(teller(data, receiver))
    verifier = standardwebhooks.Webhook(hook.secret)
    for headers, body in receiver.got:
        verifier.verify(body, headers)
    bodies = [orjson.loads(body) for _, body in receiver.got]
    assert {one["data"]["media_id"] for one in bodies} == {str(item)}
    assert sorted(one["type"] for one in bodies) == ["media.keeping", "media.kept", "media.trashed"]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 3
    assert [one.state for one in await log(data, hook.id)] == ["delivered"] * 3
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verifier.verify(receiver.got[0][1] + b" ", receiver.got[0][0])


async def test_only_what_was_asked_for_is_told_and_nothing_from_before(
    data: database.Database, receiver: conftest.Receiver
) -> None:
    await shelf.kept(data)
    await hooked(data, receiver.url, events=("media.kept",))
    item = await shelf.kept(data)
    await told(teller(data, receiver))
    assert [orjson.loads(body)["data"]["media_id"] for _, body in receiver.got] == [str(item)]


async def test_what_is_not_taken_is_told_again_later_under_its_id(
    data: database.Database, receiver: conftest.Receiver, admin: str
) -> None:
    hook = await hooked(data, receiver.url, events=("media.kept",))
    receiver.answers = [500, 302]
    await shelf.kept(data)
    one = teller(data, receiver)
    pauses = []
    for _ in range(2):
        await told(one)
        (waiting,) = await log(data, hook.id)
        assert waiting.state == "pending"
        assert waiting.next_at is not None
        with psycopg.connect(admin) as connection:
            row = connection.execute(
                "select extract(epoch from next_at - now())::float8 from ambrotype.webhook_delivery"
            ).fetchone()
        assert row is not None
        pauses.append(row[0])
        at_once(admin)
    await told(one)
    (done,) = await log(data, hook.id)
    assert (done.state, done.attempts, done.status) == ("delivered", 3, 204)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert pauses[1] > pauses[0]


async def test_it_gives_up_after_the_last_try_and_at_once_where_nobody_wants_it(
    data: database.Database, receiver: conftest.Receiver, admin: str
) -> None:
    hook = await hooked(data, receiver.url, events=("media.kept",))
    receiver.answers = [503] * (len(telling.PAUSES) + 1)
    await shelf.kept(data)
    one = teller(data, receiver)
    for _ in range(len(telling.PAUSES) + 1):
        await told(one)
        at_once(admin)
    (failed,) = await log(data, hook.id)
    assert (failed.state, failed.attempts, failed.status) == ("failed", len(telling.PAUSES) + 1, 503)
    receiver.answers = [410]
    await shelf.kept(data)
    await told(one)
    assert [(two.state, two.attempts) for two in (await log(data, hook.id))[:1]] == [("failed", 1)]


async def test_a_delivery_is_replayed_under_its_old_id(data: database.Database, receiver: conftest.Receiver) -> None:
    hook = await hooked(data, receiver.url, events=("media.kept",))
    await shelf.kept(data)
    one = teller(data, receiver)
    await told(one)
    (done,) = await log(data, hook.id)
    with pytest.raises(errors.NotFound):
        await webhooks.replay(data, shelf.BERT, hook.id, done.id)
    await webhooks.replay(data, shelf.ANNA, hook.id, done.id)
    await told(one)
    first, second = receiver.got
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"] == str(done.id)


async def test_a_users_webhook_never_reaches_a_private_address(
    data: database.Database, receiver: conftest.Receiver
) -> None:
    port = receiver.endpoint.rpartition(":")[2]
    for url in (receiver.url, f"http://localhost:{port}/hook", f"http://[::ffff:127.0.0.1]:{port}/hook"):
        hook = await hooked(data, url, CARL, events=("webhook.test",))
        await webhooks.test(data, CARL, hook.id)
    await told(teller(data, receiver))
    assert receiver.got == []
    for hook_ in (await webhooks.page(data, CARL)).items:
        (refused,) = await log(data, hook_.id, CARL)
        assert refused.status is None
        assert refused.state == "pending"


async def test_deliveries_of_a_resting_webhook_do_not_hold_up_the_others(
    data: database.Database, receiver: conftest.Receiver
) -> None:
    resting = await hooked(data, receiver.url)
    for _ in range(telling.AT_ONCE + 1):
        await webhooks.test(data, shelf.ANNA, resting.id)
    await webhooks.edit(data, shelf.ANNA, resting.id, {"active": False})
    awake = await hooked(data, receiver.url, shelf.BERT)
    sent = await webhooks.test(data, shelf.BERT, awake.id)
    await told(teller(data, receiver))
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [str(sent.id)]
