"""The demo's server: the real `ambrotype serve`, in a process of its own, on a free port."""

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from ambrotype.core import errors

_START = 30.0
_STOP = 12.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the server is, and a service key for it."""

    url: str
    key: str
    log: Path


@contextlib.asynccontextmanager
async def built(data: Path, *, sources: str, providers: Mapping[str, tuple[str, str]]) -> AsyncIterator[Stage]:
    """A server on the folder `data` that may fetch from `sources` (host:port), until the end of the block.

    `providers` has base URL and key by name.

    It knows no other settings than the demo's: neither the caller's environment nor an ambrotype.toml count.
    """
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    key = "amb_" + secrets.token_urlsafe(32)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMBROTYPE_")}
    environment |= {"AMBROTYPE_FETCH_ALLOW": sources, "AMBROTYPE_BOOTSTRAP_KEY": key, "AMBROTYPE_MIN_FREE": "0"}
    for name, (base_url, provider_key) in providers.items():
        group = f"AMBROTYPE_{name.upper()}"
        environment |= {f"{group}_BASE_URL": base_url, f"{group}_API_KEY": provider_key}
    log = data / "serve.log"
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ambrotype.cli", "serve",
            "--data", str(data), "--port", "0", "--json", "--with-parent",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=file,
            env=environment, cwd=data, start_new_session=True,
        )  # fmt: skip
    try:
        yield Stage(url=await _ready(process, log), key=key, log=log)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, log: Path) -> str:
    line = b""
    if process.stdout is not None:
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(process.stdout.readline(), _START)
    if not line:
        raise errors.Unavailable(f"The demo's server did not start: {await asyncio.to_thread(_last_words, log)}")
    return str(json.loads(line)["url"])


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("Error: ") if lines else "it said nothing."


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
