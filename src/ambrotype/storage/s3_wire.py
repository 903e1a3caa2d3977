"""A writer's requests for one key: `s3_writer.Wire` over a connection."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

from ambrotype.core import errors
from ambrotype.storage import contract, s3_connection, s3_copy

if TYPE_CHECKING:
    from types_aiobotocore_s3 import client as s3_client


class Wire:
    """A writer's requests for one key."""

    def __init__(self, connection: s3_connection.Connection, key: contract.Key, content_type: str) -> None:
        self._to = connection
        self._key = key
        self._bucket, self._name = connection.locate(key)
        self._type = content_type

    async def put(self, body: io.BytesIO, md5: str) -> None:
        body.seek(0)
        with self._to.failures(self._bucket):
            client = await self._to.client()
            await client.put_object(
                Bucket=self._bucket, Key=self._name, Body=body, ContentMD5=md5, ContentType=self._type
            )

    async def begin(self) -> str:
        with self._to.failures(self._bucket):
            client = await self._to.client()
            begun = await client.create_multipart_upload(Bucket=self._bucket, Key=self._name, ContentType=self._type)
        self._to.writing.add(begun["UploadId"])
        return begun["UploadId"]

    async def part(self, upload: str, number: int, body: io.BytesIO, md5: str) -> str:
        body.seek(0)
        with self._to.failures(self._bucket):
            client = await self._to.client()
            sent = await client.upload_part(
                Bucket=self._bucket,
                Key=self._name,
                UploadId=upload,
                PartNumber=number,
                Body=body,
                ContentMD5=md5,
            )
        return sent["ETag"]

    async def complete(self, upload: str, etags: list[str], size: int) -> None:
        """Looks afterwards: an answer that got lost may have been a success, one that came only half."""
        parts: Any = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        done_before = False
        with self._to.failures(self._bucket):
            client = await self._to.client()
            try:
                await client.complete_multipart_upload(
                    Bucket=self._bucket, Key=self._name, UploadId=upload, MultipartUpload={"Parts": parts}
                )
            except client.exceptions.NoSuchUpload:
                done_before = True
            there = await client.head_object(Bucket=self._bucket, Key=self._name)
        wrong_parts = done_before and not there["ETag"].strip('"').endswith(f"-{len(parts)}")
        if there["ContentLength"] != size or wrong_parts:
            raise errors.StoreUnavailable(
                f"The S3 store took {size} bytes but shows {there['ContentLength']}: look into its log."
            )
        self._to.writing.discard(upload)

    async def drop(self, upload: str) -> None:
        self._to.writing.discard(upload)
        with self._to.failures(self._bucket):
            await drop_upload(await self._to.client(), self._bucket, self._name, upload)

    def at(self, key: contract.Key) -> Wire:
        """The same for another key."""
        return Wire(self._to, key, self._type)

    async def move(self, key: contract.Key, size: int) -> None:
        """Within the store, where `key` is another one."""
        if key == self._key:
            return
        await s3_copy.copy(self._to, self._key, key, size=size, content_type=self._type)
        with self._to.failures(self._bucket):
            await (await self._to.client()).delete_object(Bucket=self._bucket, Key=self._name)


async def drop_upload(client: s3_client.S3Client, bucket: str, name: str, upload: str) -> None:
    """Drops an upload's parts; one that is gone is fine."""
    with contextlib.suppress(client.exceptions.NoSuchUpload):
        await client.abort_multipart_upload(Bucket=bucket, Key=name, UploadId=upload)
