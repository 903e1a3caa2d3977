"""One server for all tests of usage; each test is an owner of its own."""

from collections.abc import Iterator

import pytest

from tests.api import stack as stacks
from tests.support import server as servers


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    with (
        servers.running(
            tmp_path_factory.mktemp("usage") / "data",
            rate_nobody="0",
            metrics_token="scrape-0123456789abcdef",
            price_storage_gb_month="1000000000",
            price_egress_gb="2000000000",
        ) as server,
        stacks.Stack(server) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def app_key(stack: stacks.Stack) -> stacks.Caller:
    return stack.key("app")


@pytest.fixture
def me(app_key: stacks.Caller) -> stacks.Caller:
    return app_key.with_(Ambrotype_Owner=stacks.somebody())
