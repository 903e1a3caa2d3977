"""A server that takes uploads, and callers that nobody else knows."""

from collections.abc import Iterator

import pytest

from tests.api import stack as stacks
from tests.support import server as servers


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    data = tmp_path_factory.mktemp("uploads") / "data"
    with (
        servers.running(data, upload_max_bytes=f"{2**26}", quota_guest_items="3", quota_guest_bytes="20000") as server,
        stacks.Stack(server) as running,
    ):
        yield running


@pytest.fixture
def me(stack: stacks.Stack) -> stacks.Caller:
    return stack.service.with_(Ambrotype_Owner=stacks.somebody())


@pytest.fixture
def other(stack: stacks.Stack) -> stacks.Caller:
    return stack.service.with_(Ambrotype_Owner=stacks.somebody())
