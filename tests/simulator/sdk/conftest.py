"""The vendors' own SDKs, unchanged, led to the simulator: their fixed names resolve to it, and it speaks TLS with
certificates of an authority that exists for the test alone.
"""

import asyncio
import contextlib
import gc
import http.server
import json
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ambrotype.simulator import server

KEY = "sim-key"


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's context for the vendors' names, and the file with the authority that vouches for them."""
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", *server.HOSTS).configure_cert(context)
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return context, file


@contextlib.contextmanager
def serving(context: ssl.SSLContext) -> Iterator[server.Simulator]:
    """A simulator in a thread of its own: the SDKs' plain clients block."""
    loop = asyncio.new_event_loop()
    ready: list[server.Simulator] = []
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with server.running(tls=context) as simulator:
            ready.append(simulator)
            started.set()
            await stop.wait()
        for _ in range(100):  # TLS connections take a moment to end; else the loop closes over them
            if len(loop._selector.get_map()) == 1:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    started.wait(30)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@pytest.fixture
def sim(authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[server.Simulator]:
    """The simulator, found under the vendors' names."""
    context, file = authority
    monkeypatch.setattr(asyncio.constants, "SSL_SHUTDOWN_TIMEOUT", 0.1)  # and they do not say goodbye
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(file))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(context) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        resolve = socket.getaddrinfo

        def led(host: Any, asked: Any, *rest: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            return (
                resolve("127.0.0.1", port, *rest, **options)
                if name in server.HOSTS
                else resolve(host, asked, *rest, **options)
            )

        monkeypatch.setattr(socket, "getaddrinfo", led)
        yield simulator
    # Not every SDK ends its connections; they are collected here, before another test is blamed for them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Receiver:
    """Hears webhooks: `heard` has headers (lower case) and raw body of each."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def wait(self, count: int = 1) -> list[tuple[dict[str, str], bytes]]:
        """The first `count`."""
        until(lambda: len(self.heard) >= count)
        return self.heard[:count]

    def document(self) -> dict[str, Any]:
        """What the first says."""
        return dict(json.loads(self.wait()[0][1]))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    hearing = Receiver()
    yield hearing
    hearing.close()


def until(condition: Callable[[], bool]) -> None:
    """The test's own timeout is the limit."""
    while not condition():
        time.sleep(0.01)
