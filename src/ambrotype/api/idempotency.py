"""`Idempotency-Key`: the same key and body within 24 hours gives the first reply again, another body is a conflict."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

import fastapi
from fastapi import responses

from ambrotype.accounts import vault
from ambrotype.api import context
from ambrotype.core import errors, owners
from ambrotype.records import keys as rows

Header = Annotated[str | None, fastapi.Header(alias="Idempotency-Key", min_length=1, max_length=255)]


async def once(
    here: context.Context,
    who: owners.Principal,
    request: fastapi.Request,
    key: str | None,
    make: Callable[[], Awaitable[fastapi.Response]],
) -> fastapi.Response:
    """Answers with `make()`, or with what it answered before. Replies may hold secrets, so they lie encrypted."""
    if key is None:
        return await make()
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()
    box = vault.box([one.secret for one in here.app.signing_keys], purpose="idempotency")
    async with here.app.data.transaction(owners.ADMINISTRATOR) as tx:
        state, row = await rows.reserve(tx, who=who, key=key, request=digest)
    if state == "other":
        raise errors.IdempotencyConflict(f"The Idempotency-Key {key!r} was used with another request; take a new one.")
    if state == "running":
        raise errors.Conflict(
            f"The request with the Idempotency-Key {key!r} is still being answered; try again soon.", retry_after=1
        )
    if row is not None:
        return responses.Response(
            box.decrypt(row["body"]),
            status_code=row["status"],
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )
    try:
        response = await make()
    except BaseException:
        async with here.app.data.transaction(owners.ADMINISTRATOR) as tx:
            await rows.release(tx, who=who, key=key)
        raise
    async with here.app.data.transaction(owners.ADMINISTRATOR) as tx:
        await rows.answered(tx, who=who, key=key, status=response.status_code, body=box.encrypt(bytes(response.body)))
    return response
