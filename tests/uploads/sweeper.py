"""The sweep of uploads, at once and not after an hour."""

import asyncio

from psycopg import conninfo

from ambrotype.capture.uploads import sweeping
from ambrotype.records import database, embedded
from ambrotype.storage import local
from tests.api import stack as stacks


def swept(stack: stacks.Stack) -> None:
    asyncio.run(_swept(stack))


async def _swept(stack: stacks.Stack) -> None:
    dsn = conninfo.make_conninfo(embedded.Cluster(stack.data).dsn("ambrotype"))
    data = database.Database(dsn)
    await data.open()
    store = local.Local(stack.data / "store", min_free=0)
    try:
        while await sweeping.sweep(data, store):
            pass
    finally:
        await store.close()
        await data.close()
