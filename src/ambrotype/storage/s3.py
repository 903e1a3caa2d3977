"""A store in any S3-compatible server: AWS, Supabase Storage, R2, Ceph, MinIO.

Endpoint, region and credentials come from the usual `AWS_*` names, profiles or roles. Nothing is visible
before `publish`: S3 shows an object when its put or its CompleteMultipartUpload has succeeded, whole or not.
"""

import datetime
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from botocore import exceptions

from ambrotype.core import errors
from ambrotype.storage import contract, keys, s3_connection, s3_direct, s3_errors, s3_resumable, s3_wire, s3_writer

PIECE = 256 << 10
"""The least bytes of a piece that `open` yields, but for the last."""
MAX_PRESIGN = 7 * 24 * 3600
"""Seconds: the longest life of a presigned URL that Signature Version 4 allows."""


class S3:
    """Objects at `url`, one of the two `s3://` forms of AMBROTYPE_STORE_URL, else `errors.InvalidSetting`."""

    def __init__(self, url: str) -> None:
        self._to = s3_connection.Connection(s3_connection.Place.parse(url))

    async def create(self, key: contract.Key, *, content_type: str, size: int | None = None) -> s3_writer.S3Writer:
        """Begins an object; a bucket of its own is made, private, where it is missing."""
        keys.segments(key)
        if self._to.place.bucket is None:
            await self._to.make_bucket(key.bucket)
        return s3_writer.S3Writer(s3_wire.Wire(self._to, key, content_type), size=size)

    async def open(
        self, key: contract.Key, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Pieces of 256 KiB or more, but for the last. Nothing from beyond the end."""
        keys.require_range(start, length)
        bucket, name = self._to.locate(key)
        with self._to.failures(bucket):
            body = await self._get(key, bucket, name, start, length)
            if body is None:
                return
            async with body:
                collected = bytearray()
                while piece := await body.read(PIECE):
                    collected += piece
                    if len(collected) >= PIECE:
                        yield bytes(collected)
                        collected.clear()
                if collected:
                    yield bytes(collected)

    async def _get(self, key: contract.Key, bucket: str, name: str, start: int, length: int | None) -> Any:
        if length == 0:
            if await self.head(key) is None:
                raise _not_found(key)
            return None
        span: Any = {} if start == 0 and length is None else {"Range": _range(start, length)}
        client = await self._to.client()
        try:
            return (await client.get_object(Bucket=bucket, Key=name, **span))["Body"]
        except exceptions.ClientError as error:
            if s3_errors.code(error) == s3_errors.BEYOND_END:
                return None
            if self._to.missing(error):
                raise _not_found(key) from error
            raise

    async def head(self, key: contract.Key) -> contract.Entry | None:
        bucket, name = self._to.locate(key)
        with self._to.failures(bucket):
            client = await self._to.client()
            try:
                found = await client.head_object(Bucket=bucket, Key=name)
            except exceptions.ClientError as error:
                if not self._to.missing(error):
                    raise
                # HEAD answers the same 404 for a missing bucket, which must not look like lost objects.
                if self._to.place.bucket is not None:
                    await self._to.require_bucket(bucket)
                return None
            return contract.Entry(key=key, size=found["ContentLength"], modified=found["LastModified"])

    async def delete(self, key: contract.Key) -> None:
        bucket, name = self._to.locate(key)
        with self._to.failures(bucket):
            client = await self._to.client()
            try:
                await client.delete_object(Bucket=bucket, Key=name)
            except exceptions.ClientError as error:
                if not self._to.missing(error):
                    raise

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[contract.Entry]:
        """Objects whose names are no keys of ours ("folders" that end in a slash) are left out."""
        keys.segments(contract.Key(bucket, "x"))
        real, before = self._to.place.real(bucket)
        with self._to.failures(real):
            client = await self._to.client()
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=real, Prefix=before + prefix)
            try:
                async for page in pages:
                    for found in page.get("Contents", []):
                        key = contract.Key(bucket, found["Key"][len(before) :])
                        if keys.valid(key):
                            yield contract.Entry(key=key, size=found["Size"], modified=found["LastModified"])
            except exceptions.ClientError as error:
                if not self._to.missing(error):
                    raise

    async def resume(
        self,
        staging: contract.Key,
        mark: contract.Mark,
        *,
        size: int,
        place: Callable[[bytes], tuple[contract.Key, str]],
    ) -> s3_resumable.S3Resumable:
        """Parts of a multipart upload, and what is too small for one in an object beside it."""
        if self._to.place.bucket is None:
            await self._to.make_bucket(staging.bucket)
        return await s3_resumable.resume(self, self._to, staging, mark, size=size, place=place)

    async def forget(self, staging: contract.Key, mark: contract.Mark, *, kept: contract.Key | None = None) -> None:
        await s3_resumable.forget(self, self._to, staging, mark, kept=kept)

    async def ticket(self, key: contract.Key, *, content_type: str, size: int, expires_in: int) -> contract.Ticket:
        """Signature Version 4 with type and length among the signed headers."""
        if self._to.place.bucket is None:
            await self._to.make_bucket(key.bucket)
        return await s3_direct.ticket(self._to, key, content_type=content_type, size=size, expires_in=expires_in)

    async def taken(self, key: contract.Key) -> tuple[int, contract.Whole] | None:
        return await s3_direct.taken(self._to, key)

    async def check(self) -> None:
        with self._to.failures(self._to.place.bucket or s3_connection.LOGICAL):
            await self._to.check()

    async def sweep(self, older_than: float) -> int:
        """Drops uploads to which nobody sent a part for `older_than` seconds.

        With `s3://{bucket}` only in the buckets that this process has used: others may not be ours.
        """
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=older_than)
        if self._to.place.bucket is not None:
            return await self._sweep(self._to.place.bucket, before)
        return sum([await self._sweep(bucket, before) for bucket in sorted(self._to.used)])

    async def close(self) -> None:
        await self._to.close()

    async def presign(self, key: contract.Key, *, expires_in: int, content_type: str, disposition: str) -> str:
        """Works for at most 7 days, and with credentials of a role not longer than these."""
        if not 0 < expires_in <= MAX_PRESIGN:
            raise errors.InvalidRequest(f"A presigned URL lives for 1 to {MAX_PRESIGN} seconds; got {expires_in}.")
        bucket, name = self._to.locate(key)
        bound = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
        with self._to.failures(bucket):
            client = await self._to.client()
            url: str = await client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": name, **bound}, ExpiresIn=expires_in
            )
            return url

    async def _sweep(self, bucket: str, before: datetime.datetime) -> int:
        dropped = 0
        with self._to.failures(bucket):
            client = await self._to.client()
            pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=self._to.place.prefix)
            try:
                async for page in pages:
                    for found in page.get("Uploads", []):
                        if found["Initiated"] < before and await self._idle(bucket, found, before):
                            await s3_wire.drop_upload(client, bucket, found["Key"], found["UploadId"])
                            dropped += 1
            except exceptions.ClientError as error:
                if not self._to.missing(error):
                    raise
        return dropped

    async def _idle(self, bucket: str, found: Any, before: datetime.datetime) -> bool:
        if found["UploadId"] in self._to.writing:
            return False
        client = await self._to.client()
        pages = client.get_paginator("list_parts").paginate(Bucket=bucket, Key=found["Key"], UploadId=found["UploadId"])
        try:
            async for page in pages:
                if any(part["LastModified"] >= before for part in page.get("Parts", [])):
                    return False
        except client.exceptions.NoSuchUpload:
            return False
        return True


def _range(start: int, length: int | None) -> str:
    return f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"


def _not_found(key: contract.Key) -> errors.NotFound:
    return errors.NotFound(f"The store holds no object {str(key)!r}.")
