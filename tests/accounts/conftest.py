"""A server whose users sign in with tokens, and one where anybody may be a guest, with low limits."""

import dataclasses
from collections.abc import Iterator

import pytest

from tests.accounts import issuers
from tests.api import stack as stacks
from tests.support import server as servers

ORIGIN = "https://gallery.example.com"


@dataclasses.dataclass(frozen=True, kw_only=True)
class House:
    """A server, and callers of each kind."""

    stack: stacks.Stack
    app_key: stacks.Caller
    read_key: stacks.Caller

    def user(self, subject: str) -> stacks.Caller:
        """A user by their token."""
        return self.bearer(issuers.token(sub=subject))

    def guest(self, **asked: str) -> stacks.Caller:
        """A new guest by their token."""
        return self.bearer(self.app_key.post("/v1/guests", asked).json()["token"])

    def bearer(self, token: str) -> stacks.Caller:
        return stacks.Caller(port=self.stack.port, headers={"Authorization": f"Bearer {token}"})

    def with_cookie(self, reply: stacks.Reply) -> stacks.Caller:
        """A browser that has taken the reply's cookie."""
        return stacks.Caller(port=self.stack.port, headers={"Cookie": cookie(reply)})


def cookie(reply: stacks.Reply) -> str:
    """Name and value of the cookie that a reply sets."""
    return str(reply.headers["set-cookie"]).partition(";")[0]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("house") / "data"
    with (
        servers.running(
            data, jwt_secret=issuers.SECRET, cors_origins=ORIGIN, rate_users="0", rate_guests="0", rate_nobody="0",
            # Configured, and nobody there: what is submitted waits.
            wavespeed_api_key="not-a-real-key", wavespeed_base_url="http://127.0.0.1:9", wavespeed_webhook_secret="whsec_x",
        ) as server,
        stacks.Stack(server) as stack,
    ):  # fmt: skip
        yield House(stack=stack, app_key=stack.key("app"), read_key=stack.key("read"))


@pytest.fixture(scope="session")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("open") / "data"
    with (
        servers.running(
            data, guests="open", jwt_secret=issuers.SECRET, rate_users="5", rate_guests="1000", rate_nobody="1000",
            rate_new_guests="4", trusted_proxies="127.0.0.0/8", quota_guest_items="2", quota_bytes="400",
        ) as server,
        stacks.Stack(server) as stack,
    ):  # fmt: skip
        yield House(stack=stack, app_key=stack.key("app"), read_key=stack.key("read"))
