"""What becomes of uploads that nobody comes back to: whole ones become items, others go when their time is over."""

import structlog

from ambrotype.capture.uploads import resumable
from ambrotype.core import errors, owners
from ambrotype.records import database, uploads
from ambrotype.storage import contract

MOST = 20

log = structlog.get_logger("ambrotype.uploads")


async def finish(data: database.Database, resumables: resumable.Resumables) -> None:
    """Bytes that were acknowledged to the last become an item, though the process that was to do it was killed."""
    async with data.transaction(database.WORKER) as tx:
        left = await uploads.left_whole(tx, most=MOST)
    for upload_id, app, kind, subject in left:
        owner = owners.SERVICE if kind == "service" else owners.parse(f"{kind}:{subject}")
        try:
            await resumables.get(owners.Principal(role="service", app=app, owner=owner), upload_id)
        except errors.AmbrotypeError as problem:
            log.info("upload not finished", upload=str(upload_id), code=problem.code, detail=problem.detail)


async def sweep(data: database.Database, store: contract.Store) -> int:
    """Uploads past their announced end: their bytes first, then their rows; how many. A kept item's bytes stay."""
    gone = 0
    async with data.transaction(database.WORKER) as tx:
        due = await uploads.due(tx, most=MOST)
        for upload in due:
            place = await uploads.place_of(tx, upload.media_id) if upload.media_id is not None else None
            kept = contract.Key(*place) if place is not None else None
            try:
                if upload.way == "direct":
                    await store.delete(resumable.staging(upload))
                elif upload.media_id is None or upload.mark:
                    await resumable.forgotten(store, upload, kept=kept)
            except errors.Locked:
                continue
            await uploads.forget(tx, upload.id)
            gone += 1
    return gone
