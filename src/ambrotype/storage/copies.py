"""An object as a plain file of this machine, for those that have to open one."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from ambrotype.core import errors
from ambrotype.storage import contract

PREFIX = "look-"
"""Of names in the spool; the sweep takes what a crash has left."""


@contextlib.asynccontextmanager
async def at_hand(
    store: contract.Store, key: contract.Key, *, size: int, most: int, spool: Path
) -> AsyncIterator[Path]:
    """The object's own file on a local disk, else a copy in `spool` for the length of the block.

    Raises `errors.NotFound`, and `errors.TooLarge` where more than `most` bytes would have to be copied.
    """
    if isinstance(store, contract.OnDisk):
        path = store.path(key)
        if not await asyncio.to_thread(path.is_file):
            raise errors.NotFound(f"The object {key} is not in the store; run ambrotype audit.")
        yield path
        return
    if size > most:
        raise errors.TooLarge(f"The file has {size} bytes; at most {most} are copied to be looked into.")
    await asyncio.to_thread(spool.mkdir, parents=True, exist_ok=True)
    descriptor, name = await asyncio.to_thread(tempfile.mkstemp, prefix=PREFIX, dir=spool)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as copy:
            async with contextlib.aclosing(store.open(key)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(copy.write, chunk)
        yield Path(name)
    finally:
        await asyncio.to_thread(Path(name).unlink, missing_ok=True)
