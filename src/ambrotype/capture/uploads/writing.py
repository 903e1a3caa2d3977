"""One request that writes: who holds the upload meanwhile, and what the bytes must hash to."""

import asyncio
import contextlib
import dataclasses
import hashlib
import uuid
from collections.abc import AsyncIterator

from ambrotype import tasks
from ambrotype.core import errors, owners
from ambrotype.records import database, uploads

LEASE = 6.0
"""Seconds for which a request holds an upload after its last beat: so long after a kill nobody else can write."""
BEAT = 1.5
QUIET = 4.0
"""Seconds without a byte after which a client does not keep others out any more: its connection may be half dead."""

ALGORITHMS = ("sha1", "sha256", "md5")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What the bytes of one request have to hash to (TUS, "Checksum")."""

    algorithm: str
    digest: bytes


class Checked:
    """Hashes against a checksum, where there is one."""

    def __init__(self, wanted: Checksum | None) -> None:
        self._wanted = wanted
        self._running = hashlib.new(wanted.algorithm, usedforsecurity=False) if wanted is not None else None

    @property
    def hashes(self) -> list["hashlib._Hash"]:
        """What is to be fed with every piece."""
        return [self._running] if self._running is not None else []

    def require(self) -> None:
        """Raises `errors.ChecksumMismatch` unless it holds."""
        if self._wanted is not None and self._running is not None and self._running.digest() != self._wanted.digest:
            raise errors.ChecksumMismatch(
                f"The bytes of this request do not match their {self._wanted.algorithm}; send them again."
            )


class Hold:
    """The lease of one request, while its client is heard of."""

    def __init__(self) -> None:
        self._waiting_since: float | None = None
        self.lost = False
        """Somebody else holds the upload by now."""

    async def heard_from(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same; the time between two of them is the client's, all other is ours."""
        while True:
            self._waiting_since = asyncio.get_running_loop().time()
            try:
                chunk = await anext(chunks, None)
            finally:
                self._waiting_since = None
            if chunk is None:
                return
            yield chunk

    @property
    def quiet(self) -> bool:
        """The client has said nothing for a while."""
        since = self._waiting_since
        return since is not None and asyncio.get_running_loop().time() - since > QUIET


@contextlib.asynccontextmanager
async def held(
    data: database.Database, who: owners.Principal, upload_id: uuid.UUID, *, lease: uuid.UUID
) -> AsyncIterator[Hold]:
    """Keeps others out for the length of the block, which ends with `errors.Locked` where somebody took it over."""
    me = asyncio.current_task()
    assert me is not None
    hold = Hold()

    async def beat() -> None:
        while not hold.lost:
            await asyncio.sleep(BEAT)
            # A database that is away for a moment takes nobody's lease; whoever writes will notice by itself.
            with contextlib.suppress(errors.Unavailable):
                async with data.transaction(who) as tx:
                    if hold.quiet:
                        hold.lost = not await uploads.holds(tx, upload_id, lease=lease)
                    else:
                        hold.lost = not await uploads.hold(tx, upload_id, lease=lease, seconds=LEASE)
        me.cancel()

    beating = asyncio.create_task(beat(), name="upload's lease")
    try:
        yield hold
    except asyncio.CancelledError:
        if hold.lost and me.uncancel() == 0:
            raise errors.Locked(f"The upload {upload_id} is being written by another request.") from None
        raise
    finally:
        await tasks.ended(beating)
