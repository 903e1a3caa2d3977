"""One server for all tests of shares; each test is an owner of its own."""

import html.parser
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.api import samples
from tests.api import stack as stacks
from tests.support import server as servers


class Page(html.parser.HTMLParser):
    """What a page of a share refers to."""

    def __init__(self, reply: stacks.Reply) -> None:
        super().__init__()
        assert reply.headers["content-type"] == "text/html; charset=utf-8", reply.body
        self.text = reply.body.decode()
        self.pictures: list[str] = []
        self.players: list[str] = []
        self.downloads: list[str] = []
        self.forms: list[dict[str, str | None]] = []
        self.tags: set[str] = set()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(_address(found["src"]))
        elif tag in ("video", "audio"):
            self.players.append(_address(found["src"]))
        elif tag == "a" and "download" in found:
            self.downloads.append(_address(found["href"]))
        elif tag == "form":
            self.forms.append(found)


def _address(relative: str | None) -> str:
    found = urllib.parse.urlsplit(urllib.parse.urljoin("http://house/s/token", relative))
    assert found.netloc == "house"
    return f"{found.path}?{found.query}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    with (
        servers.running(tmp_path_factory.mktemp("shares") / "data", rate_nobody="0") as server,
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


def kept(me: stacks.Caller, seed: int = 1, **fields: object) -> str:
    """A small picture of the caller's."""
    made = me.keep(data=samples.base64_of(samples.picture(seed)), **fields)
    assert made.status in (200, 201), made.body
    return str(made.json()["id"])


def path_of(share: dict[str, str]) -> str:
    """Where the share's page is on its server."""
    return urllib.parse.urlsplit(share["url"]).path
