"""Items for tests of the library: accepted as an owner and kept as a worker would, without any bytes."""

import hashlib
import uuid
from typing import Any

from ambrotype.addresses import Addresses
from ambrotype.capture import accept, network, request
from ambrotype.core import expiry, ids, layout, owners, quotas
from ambrotype.delivery import signing
from ambrotype.records import captures, database

RULES = accept.Rules(
    allowed_for_keys=network.NOTHING, allowed_for_all=network.NOTHING, visibility="private", layout="default",
    layouts=layout.PRESETS, retention=expiry.POLICY, quotas=quotas.NONE,
)  # fmt: skip
ADDRESSES = Addresses(
    public_url="https://media.example.com", cdn_url=None, keys=(signing.Key("k1", b"0123456789abcdef0123456789abcdef"),)
)
ANNA = owners.Principal(role="app", owner=owners.parse("user:anna"))
BERT = owners.Principal(role="app", owner=owners.parse("user:bert"))


async def accepted(data: database.Database, who: owners.Principal = ANNA, **fields: Any) -> uuid.UUID:
    """An item that is promised: keeping, or temporary where `mode` says so."""
    fields.setdefault("url", f"https://example.com/{ids.new()}.png")
    item = accept.acceptance(request.KeepRequest.model_validate(fields), rules=RULES, trusted=True)
    (done,) = await accept.accept(data, who, [item])
    assert done.id is not None, done.detail
    return done.id


async def kept(
    data: database.Database,
    who: owners.Principal = ANNA,
    *,
    size: int = 10,
    width: int | None = 100,
    duration: float | None = None,
    content_type: str = "image/png",
    kind: str = "image",
    **fields: Any,
) -> uuid.UUID:
    """An item that is kept."""
    media_id = await accepted(data, who, **fields)
    await keep(data, media_id, size=size, width=width, duration=duration, content_type=content_type, kind=kind)
    return media_id


async def keep(
    data: database.Database,
    media_id: uuid.UUID,
    *,
    size: int = 10,
    width: int | None = 100,
    duration: float | None = None,
    content_type: str = "image/png",
    kind: str = "image",
) -> None:
    """Records bytes for a promised item."""
    async with data.transaction(database.WORKER) as tx:
        assert await captures.lock(tx, media_id)
        await captures.kept(
            tx,
            media_id,
            captures.Bytes(
                bucket="media", path=str(media_id), size=size, sha256=hashlib.sha256(media_id.bytes).digest(), kind=kind,
                content_type=content_type, width=width, height=100, duration=duration,
            ),
        )  # fmt: skip
