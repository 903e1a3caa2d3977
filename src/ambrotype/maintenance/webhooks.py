"""Telling events to outgoing webhooks: each at least once, in the order of reading, tried for a day and a half."""

import asyncio
import datetime
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import standardwebhooks
import structlog
from cryptography import fernet

from ambrotype.capture import network
from ambrotype.core import errors, ids
from ambrotype.records import database
from ambrotype.records import webhooks as rows

PAUSES = (5, 60, 300, 1800, 7200, 18000, 36000, 50400)
"""Seconds before each further try; after the last one a delivery has failed."""
TIMEOUT = 15.0
BATCH = 200
AT_ONCE = 8
POLL = 2.0
LOG_DAYS = 30

log = structlog.get_logger("ambrotype.webhooks")


class Teller:
    """Reads events into deliveries, and delivers. Several may run at once."""

    def __init__(
        self,
        data: database.Database,
        *,
        box: fernet.MultiFernet,
        allowed: Callable[[bool], network.Allowed],
        user_agent: str,
    ) -> None:
        self._data = data
        self._box = box
        self._allowed = allowed
        self._user_agent = user_agent
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may have happened."""
        self._woken.set()

    async def forever(self) -> None:
        """Goes on until it is cancelled; what fails here is tried at the next turn."""
        while True:
            self._woken.clear()
            try:
                busy = await self.read() + await self.deliver()
            except errors.Unavailable as problem:
                log.warning("webhooks put off", detail=problem.detail)
                busy = 0
            except Exception:
                log.exception("webhooks failed")
                busy = 0
            if not busy:
                try:
                    await asyncio.wait_for(self._woken.wait(), POLL)
                    await asyncio.sleep(0.1)
                except TimeoutError:
                    pass

    async def read(self) -> int:
        """Turns new events into deliveries; how many were read."""
        n = 0
        async with self._data.transaction(database.WORKER) as tx:
            for webhook in await rows.unread(tx):
                found = await rows.events(tx, webhook, most=BATCH)
                wanted = [row for row in found if not webhook["events"] or row["type"] in webhook["events"]]
                due = [
                    {"id": ids.new(), "event": row["id"], "type": row["type"], "payload": _payload(row)}
                    for row in wanted
                ]
                if found:
                    await rows.advance(tx, webhook, found[-1], due)
                n += len(found)
        return n

    async def deliver(self) -> int:
        """Delivers what is due, a few at once; how many were tried."""
        async with self._data.transaction(database.WORKER) as tx:
            due = await rows.claim(tx, most=AT_ONCE, seconds=TIMEOUT * 4)
        await asyncio.gather(*(self._one(row) for row in due))
        return len(due)

    async def _one(self, row: database.Row) -> None:
        status, detail = await self._post(row)
        delivered = status is not None and 200 <= status < 300
        attempts = row["attempts"]
        again = None
        if not delivered and attempts <= len(PAUSES) and status != 410:
            again = PAUSES[attempts - 1] * random.uniform(0.9, 1.1)
        async with self._data.transaction(database.WORKER) as tx:
            await rows.ended(tx, row["id"], status=status, detail=detail, delivered=delivered, again_in=again)
        if not delivered:
            log.info("webhook not delivered", delivery=str(row["id"]), status=status, detail=detail, attempts=attempts)

    async def _post(self, row: database.Row) -> tuple[int | None, str | None]:
        """The status of the answer, or None and why there was none. Redirects are not followed, cookies not kept."""
        body: str = row["payload"]
        now = datetime.datetime.now(datetime.UTC)
        try:
            secret = self._box.decrypt(row["secret"]).decode()
        except fernet.InvalidToken:
            return None, "The webhook's secret can't be read with the signing keys there are; make the webhook anew."
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._user_agent,
            "webhook-id": str(row["id"]),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": standardwebhooks.Webhook(secret).sign(str(row["id"]), now, body),
        }
        allowed = self._allowed(row["trusted"])
        try:
            network.check_url(row["url"], allowed)
            async with (
                aiohttp.ClientSession(
                    connector=network.connector(allowed),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                ) as session,
                session.post(row["url"], data=body.encode(), headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(1024)
                return answer.status, None if answer.ok else f"It answered {answer.status}."
        except errors.CaptureFailed as problem:
            return None, problem.detail
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            return None, f"It could not be reached: {type(problem).__name__}."


def _payload(row: database.Row) -> str:
    """Standard Webhooks' envelope: type, timestamp, data."""
    data: dict[str, Any] = {
        "id": row["id"],
        "media_id": row["media_id"],
        "generation_id": row["generation_id"],
        **row["data"],
    }
    return orjson.dumps(
        {"type": row["type"], "timestamp": row["at"].astimezone(datetime.UTC), "data": data}, option=orjson.OPT_UTC_Z
    ).decode()
