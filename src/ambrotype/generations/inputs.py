"""What a job works on, in the form that its provider takes: a URL of ours, the caller's own URL, or bytes."""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from ambrotype.core import errors
from ambrotype.generations import configured
from ambrotype.providers import contract
from ambrotype.records import database
from ambrotype.storage import contract as storage

SMALL = 5 * 2**20
"""Bytes that go along in the request where the provider would rather have a URL that it can't reach."""
MOST = 50 * 2**20
"""Bytes of an input that goes along where the provider takes nothing else."""
LIVES = datetime.timedelta(hours=2)
"""How long a provider may take to fetch an input."""


class Addresses(Protocol):
    """Composes the URLs that open an item for whoever has them."""

    def signed(
        self,
        media_id: uuid.UUID,
        name: str,
        visibility: str,
        *,
        params: Mapping[str, str],
        lives: datetime.timedelta,
    ) -> tuple[str, datetime.datetime]:
        """A signed URL, and when it ends."""
        ...


class NotYet(Exception):
    """An input is still being captured: the submission waits for it."""


class Unusable(Exception):
    """An input can't be handed over; `failure` says why."""

    def __init__(self, failure: contract.Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What inputs are made from. `public_url` is the setting: None where nobody can reach us for sure."""

    store: storage.Store
    addresses: Addresses
    public_url: str | None


async def prepared(
    tools: Tools, provider: contract.Provider, found: Sequence[database.Row]
) -> tuple[contract.Input, ...]:
    """The inputs of a job, from `records.generations.inputs`. Raises `NotYet` and `Unusable`."""
    return tuple([await _one(tools, provider, row) for row in found])


async def _one(tools: Tools, provider: contract.Provider, row: database.Row) -> contract.Input:
    url, data = None, None
    job_id = row["request_id"] if row["provider"] == provider.name else None
    stored = row["path"] is not None and row["status"] in ("kept", "temporary")
    reachable = configured.reaches(provider, tools.public_url)
    if stored and provider.inputs_as == "url" and reachable:
        params: dict[str, str] = {}
        url, _ = tools.addresses.signed(row["media_id"], row["name"], row["visibility"], params=params, lives=LIVES)
    elif stored and row["size"] <= (MOST if provider.inputs_as == "data" else SMALL):
        data = await _bytes(tools.store, row)
    elif stored and job_id is None:
        raise Unusable(_too_far(row, provider, reachable=reachable))
    elif row["url"] is not None and provider.inputs_as == "url":
        url = row["url"]
    elif row["status"] == "keeping":
        raise NotYet
    elif (
        row["status"] == "temporary" and row["source_url"] and not row["authenticated"] and provider.inputs_as == "url"
    ):
        url = row["source_url"]
    elif job_id is None and not stored:
        raise Unusable(_gone(row))
    return contract.Input(
        role=row["role"], kind=row["kind"], content_type=row["content_type"] or "application/octet-stream",
        url=url, data=data, job_id=job_id,
    )  # fmt: skip


async def _bytes(store: storage.Store, row: database.Row) -> bytes:
    pieces = [piece async for piece in store.open(storage.Key(row["bucket"], row["path"]))]
    return b"".join(pieces)


def check(provider: contract.Provider, *, public_url: str | None, size: int | None) -> None:
    """Refuses at once what could not be handed over later. Raises `errors.PublicUrlRequired` and `errors.TooLarge`."""
    if size is None:
        return
    if provider.inputs_as == "data" and size > MOST:
        raise errors.TooLarge(f"An input of {size} bytes can't go along to {provider.name}: at most {MOST}.")
    if provider.inputs_as == "url" and size > SMALL and not configured.reaches(provider, public_url):
        raise errors.PublicUrlRequired(
            f"{provider.name} has to fetch an input of {size} bytes from here: set AMBROTYPE_PUBLIC_URL to an address that"
            " it can reach, or use an input of at most 5 MiB."
        )


def _too_far(row: database.Row, provider: contract.Provider, *, reachable: bool) -> contract.Failure:
    if provider.inputs_as == "url" and not reachable:
        return contract.Failure(
            code="public_url_required",
            detail=f"{provider.name} would have to fetch the input {row['media_id']} from here, and AMBROTYPE_PUBLIC_URL"
            " is no address that it can reach.",
        )
    return contract.Failure(
        code="too_large", detail=f"The input {row['media_id']} has {row['size']} bytes; at most {MOST} can go along."
    )


def _gone(row: database.Row) -> contract.Failure:
    why = row["lost_code"] or row["status"]
    return contract.Failure(
        code="input_unavailable", detail=f"The input {row['media_id']} has no bytes to hand over ({why})."
    )
