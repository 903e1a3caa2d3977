"""Is it there, and is it ready."""

import fastapi
import orjson
from fastapi import responses

from ambrotype.api import context
from ambrotype.core import errors
from ambrotype.records import database, workers

router = fastapi.APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "the database or the store can't be reached"}})
async def readyz(here: context.Here) -> fastapi.Response:
    """Database and store answer; whether captures run, and why not."""
    # Anyone may ask: words, no sentences that name folders or hosts. The log has those.
    state = {"database": "ok", "store": "ok", "captures": "no worker"}
    try:
        async with here.app.data.transaction(database.WORKER) as tx:
            found = {row["state"] for row in await workers.alive(tx)}
        if found:
            state["captures"] = "running" if "running" in found else "paused"
    except errors.Unavailable:
        state["database"] = "unavailable"
    try:
        await here.app.store.check()
    except errors.StoreUnavailable:
        state["store"] = "unavailable"
    ready = state["database"] == "ok" and state["store"] == "ok"
    return responses.Response(
        orjson.dumps({"status": "ready" if ready else "unavailable", **state}),
        status_code=200 if ready else 503,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
