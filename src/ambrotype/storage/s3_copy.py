"""From one key to another within an S3 server: nothing passes through here."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ambrotype.storage import contract

if TYPE_CHECKING:
    from types_aiobotocore_s3 import client as s3_client

    from ambrotype.storage import s3_connection

AT_ONCE = 5 << 30
"""Bytes that one CopyObject takes; beyond that it goes in parts (S3 API reference, "CopyObject")."""
PART = 1 << 30


def prepare(client: s3_client.S3Client) -> None:
    """Copies have no body, and some servers (Ceph) want to be told."""

    def say(request: Any, **_: object) -> None:
        request.headers["Content-Length"] = "0"

    for operation in ("CopyObject", "UploadPartCopy"):
        client.meta.events.register(f"before-sign.s3.{operation}", say)


async def copy(
    to: s3_connection.Connection,
    source: contract.Key,
    target: contract.Key,
    *,
    size: int,
    content_type: str,
    etag: str | None = None,
    at_once: int = AT_ONCE,
) -> None:
    """Copies `size` bytes; with `etag` only if the source is still that one, else `errors.StoreUnavailable`."""
    bucket, name = to.locate(source)
    into, new = to.locate(target)
    if to.place.bucket is None:
        await to.make_bucket(target.bucket)
    where: Any = {"Bucket": into, "Key": new}
    origin: Any = {"CopySource": {"Bucket": bucket, "Key": name}}
    if etag is not None:
        origin["CopySourceIfMatch"] = etag
    with to.failures(into):
        client = await to.client()
        if size <= at_once:
            await client.copy_object(**where, **origin, ContentType=content_type, MetadataDirective="REPLACE")
        else:
            await _in_parts(client, where, origin, size=size, content_type=content_type, part=min(PART, at_once))


async def _in_parts(
    client: s3_client.S3Client, where: Any, origin: Any, *, size: int, content_type: str, part: int
) -> None:
    upload = (await client.create_multipart_upload(**where, ContentType=content_type))["UploadId"]
    try:
        parts: list[Any] = []
        for number, start in enumerate(range(0, size, part), 1):
            span = f"bytes={start}-{min(start + part, size) - 1}"
            done = await client.upload_part_copy(
                **where, **origin, UploadId=upload, PartNumber=number, CopySourceRange=span
            )
            parts.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
        await client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        with contextlib.suppress(client.exceptions.NoSuchUpload):
            await client.abort_multipart_upload(**where, UploadId=upload)
        raise
