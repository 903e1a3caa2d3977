"""`Client` in programs without an event loop, with several threads, and in notebooks that run a loop of their own."""

import asyncio
import concurrent.futures
import gc
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

import ambrotype
from ambrotype.core import errors
from ambrotype.simulator import server as simulators
from tests.support.server import Server


@pytest.fixture
def client(server: Server, owner: str) -> Iterator[ambrotype.Client]:
    with ambrotype.Client(server.url, key=server.key, owner=owner) as made:
        yield made


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ambrotype client"]


async def test_every_verb_works_without_await(client: ambrotype.Client, sim: simulators.Simulator) -> None:
    """In a thread: the simulator answers on this one."""

    def program() -> None:
        item = client.keep(sim.sign(sim.image(1)), prompt="a fox")
        assert client.settled(item.id, timeout=60).status == "kept"
        assert client.get(item.id).prompt == "a fox"
        many = client.keep_many((url for url in [sim.sign(sim.image(2)), "ftp://x/"]), title="both")
        assert isinstance(many[0], ambrotype.Media)
        assert isinstance(many[1], errors.UnsupportedScheme)
        client.settled([many[0].id], timeout=60)
        assert [one.id for one in client.list(sort="created_at")] == [item.id, many[0].id]
        assert [one.id for one in client.list(limit=1)] == [many[0].id]
        assert list(client.at_risk()) == []
        assert [event.type for event in client.events(item.id)][-1] == "media.kept"
        assert client.keep_again(item.id).status == "kept"
        key = client.create_key("a program's", role="read")
        assert key.id in [one.id for one in client.keys()]
        assert client.revoke_key(key.id).revoked_at is not None
        with pytest.raises(errors.NotFound):
            client.get(uuid.uuid4())

    await asyncio.to_thread(program)


def test_threads_share_a_client(client: ambrotype.Client) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda n: client.keep(f"http://127.0.0.1:9/{n}.png", mode="temporary"), range(40)))

    assert {one.id for one in client.list(status="temporary")} == {one.id for one in kept}


async def test_it_works_where_an_event_loop_runs(client: ambrotype.Client) -> None:
    assert list(client.list()) == []


def test_a_list_may_be_left_in_the_middle(client: ambrotype.Client) -> None:
    client.keep_many([f"http://127.0.0.1:9/{n}.png" for n in range(300)], mode="temporary")

    for n, _ in enumerate(client.list(status="temporary")):
        if n == 10:
            break

    assert len(list(client.list(status="temporary"))) == 300


def test_a_timeout_is_a_timeout_error(client: ambrotype.Client) -> None:
    item = client.keep("http://127.0.0.1:9/a.png")

    with pytest.raises(TimeoutError, match="settled"):
        client.settled(item.id, timeout=0.2)


def test_closing_ends_the_thread_and_says_so_afterwards(server: Server) -> None:
    before = len(ours())
    client = ambrotype.Client(server.url, key=server.key)
    list(client.keys())
    assert len(ours()) == before + 1

    client.close()
    client.close()

    assert len(ours()) == before
    with pytest.raises(RuntimeError, match="closed"):
        client.get(uuid.uuid4())


def test_a_forgotten_client_is_closed(server: Server) -> None:
    before = len(ours())
    client = ambrotype.Client(server.url, key=server.key)
    list(client.keys())

    del client
    gc.collect()

    deadline = time.monotonic() + 30
    while len(ours()) > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_that_never_closes_it_ends_quietly(server: Server) -> None:
    program = (
        "import ambrotype, sys\n"
        "client = ambrotype.Client(sys.argv[1], key=sys.argv[2])\n"
        "print(sum(1 for _ in client.keys()) > 0)\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, server.url, server.key],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_client_shows_its_server_and_not_its_key() -> None:
    with ambrotype.Client("https://media.example.com", key="amb_secret") as client:
        assert repr(client) == "Client('https://media.example.com')"
