"""One server for all tests of renditions; each test is an owner of its own."""

import base64
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import pyvips

from tests.api import stack as stacks
from tests.support import server as servers


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    with (
        servers.running(tmp_path_factory.mktemp("renditions") / "data", rate_nobody="0") as server,
        stacks.Stack(server) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def app_key(stack: stacks.Stack) -> stacks.Caller:
    return stack.key("app")


@pytest.fixture
def me(app_key: stacks.Caller) -> stacks.Caller:
    return app_key.with_(Ambrotype_Owner=stacks.somebody())


@pytest.fixture
def other(app_key: stacks.Caller) -> stacks.Caller:
    return app_key.with_(Ambrotype_Owner=stacks.somebody())


def keep(caller: stacks.Caller, content: bytes, **fields: Any) -> Any:
    """The media object of these bytes, kept."""
    reply = caller.keep(data=base64.b64encode(content).decode(), **fields)
    assert reply.status in (200, 201), reply.body
    return reply.json()


def inspected(caller: stacks.Caller, media_id: str) -> Any:
    """The media object once its file has been looked into."""
    return stacks.until(lambda: (found := caller.media(media_id))["inspection"]["state"] != "pending" and found)


def made(caller: stacks.Caller, path: str) -> stacks.Reply:
    """A rendition, however long it takes."""

    def ask() -> stacks.Reply | None:
        reply = caller.get(path)
        return reply if reply.status != 503 else None

    return stacks.until(ask)  # type: ignore[no-any-return]


def place(url: str) -> str:
    found = urllib.parse.urlsplit(url)
    return f"{found.path}?{found.query}" if found.query else found.path


def seen(content: bytes) -> pyvips.Image:
    """A picture, all its frames below each other."""
    try:
        return pyvips.Image.new_from_buffer(content, "", n=-1)
    except pyvips.Error:
        return pyvips.Image.new_from_buffer(content, "")


def painted(width: int, height: int, *, alpha: bool = False) -> pyvips.Image:
    """Red on the left, blue on the right, with some noise."""
    noise = pyvips.Image.gaussnoise(width, height, mean=0, sigma=6, seed=width)
    left = pyvips.Image.xyz(width, height)[0] < width / 2
    bands = [left.ifthenelse(220, 30) + noise, noise + 40, left.ifthenelse(30, 220) + noise]
    picture = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
    return picture.bandjoin(left.ifthenelse(255, 0).cast("uchar")) if alpha else picture
