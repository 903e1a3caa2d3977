"""Objects that a client puts into S3 by itself, with a URL that we have signed for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

from botocore import exceptions

from ambrotype.core import errors
from ambrotype.storage import contract, s3_copy, s3_errors

if TYPE_CHECKING:
    from ambrotype.storage import s3_connection

PIECE = 1 << 20


async def ticket(
    to: s3_connection.Connection, key: contract.Key, *, content_type: str, size: int, expires_in: int
) -> contract.Ticket:
    """A presigned PUT. Its signature covers both headers: another length or type is refused by the server."""
    bucket, name = to.locate(key)
    with to.failures(bucket):
        client = await to.client()
        url = await client.generate_presigned_url(
            "put_object",
            Params={"Bucket": bucket, "Key": name, "ContentType": content_type, "ContentLength": size},
            ExpiresIn=expires_in,
        )
    headers = {"Content-Type": content_type, "Content-Length": str(size)}
    return contract.Ticket(method="PUT", url=url, headers=headers)


async def taken(to: s3_connection.Connection, key: contract.Key) -> tuple[int, Taken] | None:
    """What lies there now, or None."""
    bucket, name = to.locate(key)
    with to.failures(bucket):
        client = await to.client()
        try:
            found = await client.head_object(Bucket=bucket, Key=name)
        except exceptions.ClientError as error:
            if to.missing(error):
                return None
            raise
    size = found["ContentLength"]
    return size, Taken(to, key, size=size, etag=found["ETag"], content_type=found.get("ContentType", ""))


class Taken:
    """A `contract.Whole`. Its ETag goes with every request, so that what is put there meanwhile is never meant."""

    def __init__(
        self, to: s3_connection.Connection, key: contract.Key, *, size: int, etag: str, content_type: str
    ) -> None:
        self._to = to
        self._key = key
        self._size = size
        self._etag = etag
        self._type = content_type

    async def read(self) -> AsyncGenerator[bytes, None]:
        bucket, name = self._to.locate(self._key)
        with self._failures(bucket):
            client = await self._to.client()
            found = await client.get_object(Bucket=bucket, Key=name)
            async with found["Body"] as body:
                if found["ETag"] != self._etag:
                    raise _changed()
                while piece := await body.read(PIECE):
                    yield piece

    async def publish(self, key: contract.Key) -> None:
        with self._failures(key.bucket):
            await s3_copy.copy(
                self._to, self._key, key, size=self._size, content_type=self._type, etag=self._etag.strip('"')
            )

    async def discard(self, *, kept: contract.Key | None = None) -> None:
        bucket, name = self._to.locate(self._key)
        with self._to.failures(bucket):
            await (await self._to.client()).delete_object(Bucket=bucket, Key=name)

    async def close(self) -> None:
        """Nothing is held."""

    @contextlib.contextmanager
    def _failures(self, bucket: str) -> Generator[None]:
        with self._to.failures(bucket):
            try:
                yield
            except exceptions.ClientError as error:
                if s3_errors.status(error) == 412 or self._to.missing(error):
                    raise _changed() from error
                raise


def _changed() -> errors.Conflict:
    return errors.Conflict("The object was replaced or removed while it was looked at; complete the upload again.")
