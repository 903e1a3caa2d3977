"""The library that a command works on: in a data folder, or behind a server. Both have the same verbs."""

import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ambrotype import logs
from ambrotype.cli import exits, options

if TYPE_CHECKING:
    from ambrotype import client, local

Library: TypeAlias = "local.Library | client.AsyncClient"


@contextlib.asynccontextmanager
async def library(where: options.Where, *, work: bool = False) -> AsyncIterator[Library]:
    """Opens it. `work`: captures run in this process while it is open, where it is a data folder."""
    if where.url is None:
        if where.key is not None:
            raise exits.WrongUse("--key goes with --url; a data folder needs no key.")
        from ambrotype import local  # a remote command needs nothing of a server

        _log()
        async with local.open(where.data, owner=where.owner, app=where.app, work=work) as embedded:
            yield embedded
        return
    if where.data is not None:
        raise exits.WrongUse("Give either --data or --url, not both.")
    if where.key is None:
        raise exits.WrongUse("--url needs --key, an API key of that server.")
    from ambrotype import client

    async with client.AsyncClient(where.url, key=_key(where.key), owner=where.owner, app=where.app) as remote:
        yield remote


def _log() -> None:
    """Warnings of this process on stderr, but for what the command itself tells at its end."""
    logs.configure("console")
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for handler in root.handlers:
        handler.addFilter(lambda record: not (isinstance(record.msg, dict) and record.msg.get("event") == "lost"))


def _key(given: str) -> str:
    return Path(given[1:]).read_text().strip() if given.startswith("@") else given
