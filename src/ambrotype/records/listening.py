"""LISTEN: wakes whoever waits. It only wakes; what is true is read from the tables, and polling is the net below."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql


async def listen(conninfo: str, channels: Sequence[str], heard: Callable[[str, str], None]) -> None:
    """Calls `heard(channel, payload)` for every notification, for ever; connects again when the connection breaks.

    `conninfo` must be a direct connection: a transaction pooler delivers nothing. After each (new) connection `heard` is called
    once with an empty payload for every channel, because what was said meanwhile is lost.
    """
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, connect_timeout=10
            ) as connection:
                for channel in channels:
                    await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                for channel in channels:
                    heard(channel, "")
                async for notice in connection.notifies():
                    heard(notice.channel, notice.payload)
        await asyncio.sleep(1)
