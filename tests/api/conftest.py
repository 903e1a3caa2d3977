"""One server and one simulator for all tests of a process; each test is an owner of its own, so none sees another's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ambrotype.simulator import server as simulators
from tests.api import stack as stacks
from tests.support import server as servers


@pytest.fixture(scope="session")
def sim() -> Iterator[simulators.Simulator]:
    with stacks.Simulated() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, sim: simulators.Simulator) -> Iterator[stacks.Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    allowed = sim.url.removeprefix("http://")
    with (
        servers.running(folder / "data", fetch_allow=allowed, fetch_timeout="6", fetch_max_bytes=f"{2**23}") as server,
        stacks.Stack(server) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def app_key(stack: stacks.Stack) -> stacks.Caller:
    """An app's key, naming nobody yet."""
    return stack.key("app")


@pytest.fixture
def me(app_key: stacks.Caller) -> stacks.Caller:
    """An app's key acting for an owner that nobody else knows."""
    return app_key.with_(Ambrotype_Owner=stacks.somebody())


@pytest.fixture
def other(app_key: stacks.Caller) -> stacks.Caller:
    """The same key for somebody else."""
    return app_key.with_(Ambrotype_Owner=stacks.somebody())
