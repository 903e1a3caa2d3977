"""Uploads that go past us into the store, with a request that we have signed. They lie apart until they are completed:
what the same request puts there again changes nothing that is kept.
"""

import contextlib
import dataclasses
import datetime
import uuid

from ambrotype.capture import accept, pipeline, request
from ambrotype.capture.uploads import finishing, placing, resumable, writing
from ambrotype.core import errors, ids, owners, types
from ambrotype.records import uploads
from ambrotype.storage import contract

TICKET = 3600
"""Seconds for which the signed request works."""
MOST = 5 << 30
"""Bytes that one PUT takes (S3 API reference, "PutObject")."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where the bytes may be put, and until when."""

    id: uuid.UUID
    ticket: contract.Ticket
    expires_at: datetime.datetime


class Directs:
    """Direct uploads of one process."""

    def __init__(self, tools: pipeline.Tools, rules: accept.Rules, *, most: int) -> None:
        self._tools = tools
        self._rules = rules
        self._most = most

    async def create(
        self,
        who: owners.Principal,
        *,
        size: int,
        content_type: str,
        asked: request.UploadRequest,
        filename: str | None,
    ) -> Begun:
        """A request for these bytes alone. `errors.NotSupported` where the store signs none."""
        store = self._receives()
        most = min(self._most, MOST)
        if size > most:
            raise errors.TooLarge(f"The file has {size} bytes; at most {most} go in one request, upload it resumably.")
        if content_type not in types.TYPES:
            raise errors.UnsupportedType(f"{content_type[:100]!r} is no type that Ambrotype keeps.")
        upload_id = ids.new()
        async with self._tools.data.transaction(who) as tx:
            guess = await placing.guess(tx, who, asked, media_id=upload_id, filename=filename, rules=self._rules)
            staging = guess.staging()
            await uploads.begin(
                tx,
                upload_id,
                way="direct",
                size=size,
                staging={"bucket": staging.bucket, "path": staging.path},
                fields=asked.model_dump(mode="json", exclude_unset=True),
                filename=filename,
                trusted=who.is_key,
                told=None,
                life=resumable.LIFE,
                quota=self._rules.quotas.of(who.owner),
            )
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=TICKET)
        ticket = await store.ticket(staging, content_type=content_type, size=size, expires_in=TICKET)
        return Begun(id=upload_id, ticket=ticket, expires_at=until)

    async def complete(self, who: owners.Principal, upload_id: uuid.UUID) -> finishing.Kept:
        """Keeps what has arrived, or removes it. `errors.Conflict` where nothing has."""
        store = self._receives()
        lease = uuid.uuid4()
        async with self._tools.data.transaction(who) as tx:
            found = await uploads.claim(tx, upload_id, "direct", lease=lease, seconds=writing.LEASE)
        try:
            if found.media_id is not None:
                return finishing.Kept(id=found.media_id, key=None, known=True)
            async with writing.held(self._tools.data, who, upload_id, lease=lease):
                return await self._complete(who, found, store)
        finally:
            with contextlib.suppress(errors.AmbrotypeError):  # else it runs out
                async with self._tools.data.transaction(who) as tx:
                    await uploads.release(tx, upload_id, lease=lease)

    async def _complete(
        self, who: owners.Principal, upload: uploads.Upload, store: contract.Receives
    ) -> finishing.Kept:
        taken = await store.taken(resumable.staging(upload))
        if taken is None:
            raise errors.Conflict(f"Nothing has arrived for the upload {upload.id}; PUT it first.")
        size, whole = taken
        try:
            if size != upload.size:
                raise errors.InvalidRequest(f"{size} bytes have arrived, and {upload.size} were told; begin anew.")
            return await finishing.finish(who, upload, whole, self._tools, self._rules)
        except (*finishing.PASSING, errors.Conflict):
            raise
        except errors.AmbrotypeError:
            with contextlib.suppress(errors.AmbrotypeError):  # else the sweep does it
                await whole.discard()
                async with self._tools.data.transaction(who) as tx:
                    await uploads.forget(tx, upload.id)
            raise

    def _receives(self) -> contract.Receives:
        store = self._tools.store
        if not isinstance(store, contract.Receives):
            raise errors.NotSupported("This store takes no files directly; send them to /v1/uploads.")
        return store
