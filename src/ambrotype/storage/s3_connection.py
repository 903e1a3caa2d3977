"""The way to an S3 server: one client, which buckets there are. The only place that imports aiobotocore."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import re
import time
from typing import TYPE_CHECKING, Any
from urllib import parse

import aiobotocore.config
import aiobotocore.session
from botocore import exceptions

from ambrotype.core import errors
from ambrotype.storage import contract, keys, s3_copy, s3_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import client as s3_client

CONNECTIONS = 32
LOGICAL = "{bucket}"
ASK_AGAIN = 5.0
"""Seconds for which an answer that a bucket is there holds."""
_DEFAULT_REGION = "us-east-1"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where `s3://bucket/prefix` or `s3://{bucket}` puts a logical bucket."""

    bucket: str | None
    """The one real bucket, or None where each logical bucket is a bucket of its own."""
    prefix: str = ""
    """Empty, or ends in a slash."""

    @classmethod
    def parse(cls, url: str) -> Place:
        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.partition("/")
        prefix = prefix.strip("/")
        if scheme == "s3" and bucket == LOGICAL and not prefix:
            return cls(None)
        if scheme == "s3" and _BUCKET.fullmatch(bucket) and (not prefix or keys.valid(contract.Key("x", prefix))):
            return cls(bucket, f"{prefix}/" if prefix else "")
        raise errors.InvalidSetting(
            f"AMBROTYPE_STORE_URL={url.rpartition('@')[2]!r}"
            " is neither s3://bucket/prefix nor s3://{bucket}; correct it."
        )

    def real(self, logical: str) -> tuple[str, str]:
        """The real bucket of a logical one, and what its objects' keys begin with there."""
        return (logical, "") if self.bucket is None else (self.bucket, f"{self.prefix}{logical}/")


class Connection:
    """One client, opened at first use, of one event loop."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.used: set[str] = set()
        """The real buckets that were named since the start."""
        self.writing: set[str] = set()
        """Uploads that have a writer in this process."""
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: s3_client.S3Client | None = None
        self._endpoint = "AWS_ENDPOINT_URL"
        self._there: dict[str, float] = {}
        """Real bucket → monotonic time at which it was last seen."""

    def locate(self, key: contract.Key) -> tuple[str, str]:
        """The real bucket and name of an object."""
        _, *names = keys.segments(key)
        bucket, before = self.place.real(key.bucket)
        self.used.add(bucket)
        return bucket, before + "/".join(names)

    def failures(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        return s3_errors.failures(lambda: self._endpoint, bucket)

    async def client(self) -> s3_client.S3Client:
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    self._opened = await self._open_client()
                    self._endpoint = self._opened.meta.endpoint_url
        return self._opened

    async def _open_client(self) -> s3_client.S3Client:
        session = aiobotocore.session.get_session()
        region = session.get_config_variable("region") or _DEFAULT_REGION
        by_name = session.create_client("s3", region_name=region, config=_config("auto"))
        client: s3_client.S3Client = await self._stack.enter_async_context(by_name)
        s3_copy.prepare(client)
        host = parse.urlsplit(client.meta.endpoint_url).hostname or ""
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return client
        # Other servers have no name of its own for each bucket, unless somebody set that up.
        by_path = session.create_client("s3", region_name=region, config=_config("path"))
        pathed: s3_client.S3Client = await self._stack.enter_async_context(by_path)
        s3_copy.prepare(pathed)
        return pathed

    async def close(self) -> None:
        self._opened = None
        await self._stack.aclose()

    async def check(self) -> None:
        """Returns if the server answers and takes the credentials; asks once in 5 seconds while it does."""
        if self.place.bucket is not None:
            await self.require_bucket(self.place.bucket)
            return
        if time.monotonic() - self._there.get("", -math.inf) < ASK_AGAIN:
            return
        try:
            await (await self.client()).list_buckets()
        except exceptions.ClientError as error:
            # Credentials for single buckets only need not be allowed to list all of them.
            if s3_errors.code(error) != "AccessDenied":
                raise
        self._there[""] = time.monotonic()

    async def require_bucket(self, bucket: str) -> None:
        if time.monotonic() - self._there.get(bucket, -math.inf) < ASK_AGAIN:
            return
        await (await self.client()).head_bucket(Bucket=bucket)
        self._there[bucket] = time.monotonic()

    async def make_bucket(self, bucket: str) -> None:
        if bucket in self._there:
            return
        with self.failures(bucket):
            client = await self.client()
            try:
                await client.head_bucket(Bucket=bucket)
            except exceptions.ClientError as error:
                if s3_errors.status(error) != 404:
                    raise
                await self._create_bucket(bucket)
            self._there[bucket] = time.monotonic()

    async def _create_bucket(self, bucket: str) -> None:
        client = await self.client()
        region = client.meta.region_name
        where: Any = {}
        if region != _DEFAULT_REGION and ".amazonaws.com" in self._endpoint:
            where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            await client.create_bucket(Bucket=bucket, **where)

    def missing(self, error: exceptions.ClientError) -> bool:
        """Whether the object is missing; its bucket too, where that is one that we would make."""
        if self.place.bucket is None and s3_errors.code(error) == s3_errors.MISSING_BUCKET:
            return True
        return s3_errors.code(error) in s3_errors.MISSING_KEY


def _config(addressing: str) -> aiobotocore.config.AioConfig:
    return aiobotocore.config.AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": addressing},
        max_pool_connections=CONNECTIONS,
        connect_timeout=5,
        read_timeout=60,
        tcp_keepalive=True,
        retries={"mode": "standard"},
        # The newer default checksums travel in trailers that Ceph 16 refuses; Content-MD5 is sent instead.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
