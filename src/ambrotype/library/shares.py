"""Shares: links that show an item, a collection or a slot to people without an account, until they are revoked."""

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

import pydantic

from ambrotype.core import errors, ids, media, owners, shares
from ambrotype.library import changes, listing, passwords
from ambrotype.library import cursor as cursors
from ambrotype.records import database
from ambrotype.records import shares as rows

MOST = 1000
"""Items that a page shows."""

Password = Annotated[changes.Text, pydantic.Field(min_length=1, max_length=1000)]
Name = Annotated[changes.Text, pydantic.Field(min_length=1, max_length=255)]


class Addresses(Protocol):
    """Makes the tokens and URLs of shares."""

    @property
    def kid(self) -> str:
        """The signing key that new tokens are made with."""
        ...

    def share_token(self, share_id: uuid.UUID, kid: str) -> str | None:
        """The token of a share made with this key; None where that key is there no more."""
        ...

    def share(self, token: str) -> str:
        """The address of its page."""
        ...


class NewShare(pydantic.BaseModel):
    """A share to make: of one item, one collection or one slot."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    media_id: uuid.UUID | None = None
    collection_id: uuid.UUID | None = None
    project: Name | None = None
    slot: Name | None = None
    expires_at: pydantic.AwareDatetime | None = None
    password: Password | None = pydantic.Field(default=None, repr=False)
    allow_download: bool = True

    @pydantic.model_validator(mode="after")
    def _one(self) -> "NewShare":
        if (self.project is None) != (self.slot is None):
            raise ValueError("project and slot go together")
        if sum(value is not None for value in (self.media_id, self.collection_id, self.slot)) != 1:
            raise ValueError("give one of media_id, collection_id, and project with slot")
        return self


class ShareChanges(pydantic.BaseModel):
    """What is absent stays; null takes the end or the password away."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    expires_at: pydantic.AwareDatetime | None = None
    password: Password | None = pydantic.Field(default=None, repr=False)
    allow_download: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A share as whoever has its token sees it; nothing of its owner."""

    id: uuid.UUID
    edition: int
    password_hash: str | None = dataclasses.field(repr=False)
    expires_at: datetime.datetime | None
    allow_download: bool
    name: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An item on its page."""

    id: uuid.UUID
    kind: media.Kind
    content_type: str
    visible: bool
    """Not known to be beyond our decoders."""
    width: int | None
    height: int | None
    title: str | None
    note: str | None


async def create(
    data: database.Database, who: owners.Principal, addresses: Addresses, wanted: NewShare
) -> shares.Share:
    """A new share; `errors.NotFound` where what it names is not the caller's."""
    _check_end(wanted.expires_at)
    share_id, kid = ids.new(), addresses.kid
    token = addresses.share_token(share_id, kid)
    assert token is not None  # made with the key in use
    values = wanted.model_dump(exclude={"password"})
    values["password_hash"] = await passwords.digest(wanted.password) if wanted.password is not None else None
    async with data.transaction(who) as tx:
        if not await rows.create(tx, share_id=share_id, kid=kid, token_hash=_digest(token), values=values):
            raise _no_target(wanted)
        return await _get(tx, addresses, share_id)


async def get(
    data: database.Database, who: owners.Principal, addresses: Addresses, share_id: uuid.UUID
) -> shares.Share:
    """One share; `errors.NotFound` where it is not the caller's."""
    async with data.transaction(who) as tx:
        return await _get(tx, addresses, share_id)


async def page(
    data: database.Database,
    who: owners.Principal,
    addresses: Addresses,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[shares.Share]:
    """The caller's shares, newest first, revoked ones too."""
    position = cursors.decode("shares", cursor, spells=cursors.time)
    after = (position[0], position[1]) if position and position[0] is not None else None
    async with data.transaction(who) as tx:
        found = await rows.page(tx, after=after, most=limit + 1)
    more = None
    if len(found) > limit:
        more = cursors.encode("shares", (found[limit - 1]["sort_value"], found[limit - 1]["id"]))
    return listing.Page(items=[_share(row, addresses) for row in found[:limit]], next_cursor=more)


async def edit(
    data: database.Database, who: owners.Principal, addresses: Addresses, share_id: uuid.UUID, wanted: ShareChanges
) -> shares.Share:
    """Changes a share. A new password, and downloads no longer allowed, end at once what was handed out before."""
    given = wanted.model_dump(exclude_unset=True)
    _check_end(given.get("expires_at"))
    values: dict[str, Any] = {name: given[name] for name in ("expires_at", "allow_download") if name in given}
    if "password" in given:
        password = given["password"]
        values["password_hash"] = await passwords.digest(password) if password is not None else None
    async with data.transaction(who) as tx:
        before = await rows.lock(tx, share_id)
        if before is None:
            raise _missing(share_id)
        if before["revoked_at"] is not None:
            raise errors.Conflict(f"The share {share_id} has been revoked; make a new one.")
        locks = values.get("password_hash") is not None
        closes = before["allow_download"] and not values.get("allow_download", True)
        if values:
            await rows.update(tx, share_id, values, edition=int(locks or closes))
        return await _get(tx, addresses, share_id)


async def revoke(
    data: database.Database, who: owners.Principal, addresses: Addresses, share_id: uuid.UUID
) -> shares.Share:
    """Ends a share at once: its page, and every URL that the page has handed out."""
    async with data.transaction(who) as tx:
        if not await rows.revoke(tx, share_id):
            raise _missing(share_id)
        return await _get(tx, addresses, share_id)


async def opened(data: database.Database, token: str) -> Opened:
    """The share of a token; `errors.NotFound`, the same for one that never was and one that has ended."""
    async with data.transaction(database.NOBODY) as tx:
        row = await rows.opened(tx, _digest(token))
    if row is None:
        raise errors.NotFound("There is nothing here: the link is wrong, has run out or was taken back.")
    return Opened(**row)


async def shown(data: database.Database, share_id: uuid.UUID) -> list[Shown]:
    """What it shows, in order, and one more than `MOST` where there is more. Counts a view."""
    async with data.transaction(database.NOBODY) as tx:
        found = await rows.shown(tx, share_id, most=MOST + 1)
        await rows.viewed(tx, share_id)
    return [Shown(**row) for row in found]


async def holds(data: database.Database, handed_out: str, media_id: uuid.UUID) -> bool:
    """Whether what a signed URL says of its share (`handed_out_for`) still opens the item."""
    spelt, _, edition = handed_out.partition(".")
    share_id = ids.parse(spelt)
    if share_id is None or not edition.isdecimal() or len(edition) > 9:
        return False
    return await rows.holds(data.lookup(database.NOBODY), share_id, edition=int(edition), media_id=media_id)


def handed_out_for(share: Opened) -> str:
    """What is signed into the URLs on its page, so that they end with it."""
    return f"{share.id}.{share.edition}"


async def _get(tx: database.Transaction, addresses: Addresses, share_id: uuid.UUID) -> shares.Share:
    row = await rows.get(tx, share_id)
    if row is None:
        raise _missing(share_id)
    return _share(row, addresses)


def _share(row: Mapping[str, Any], addresses: Addresses) -> shares.Share:
    token = addresses.share_token(row["id"], row["kid"])
    return shares.Share(
        id=row["id"],
        target=shares.Target(**{name: row[name] for name in ("media_id", "collection_id", "project", "slot")}),
        url=addresses.share(token) if token is not None else None,
        has_password=row["has_password"],
        allow_download=row["allow_download"],
        views=row["views"],
        **{name: _utc(row[name]) for name in ("expires_at", "revoked_at", "created_at")},
    )


def _utc(value: datetime.datetime | None) -> Any:
    return value.astimezone(datetime.UTC) if value else None


def _check_end(expires_at: datetime.datetime | None) -> None:
    if expires_at is not None and expires_at <= datetime.datetime.now(datetime.UTC):
        raise errors.InvalidRequest(
            "expires_at is past; name a later time, or revoke the share.", pointer="/expires_at"
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _no_target(wanted: NewShare) -> errors.NotFound:
    if wanted.media_id is not None:
        return listing.missing(wanted.media_id)
    if wanted.collection_id is not None:
        return errors.NotFound(f"There is no collection {wanted.collection_id}.")
    return errors.NotFound(f"There is no slot {wanted.slot!r} in the project {wanted.project!r}.")


def _missing(share_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"There is no share {share_id}.")
