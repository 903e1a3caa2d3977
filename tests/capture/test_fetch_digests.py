"""Digests are believed only where they cover exactly the bytes handed on."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from ambrotype.capture import digests, fetch
from ambrotype.core import errors
from tests.capture import sources

BODY = b"an ambrotype is a photograph on glass"


def b64(name: str, body: bytes = BODY) -> str:
    if name == "crc32":
        return base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


MD5 = hashlib.md5(BODY).hexdigest()
S3 = {"x-amz-request-id": "R", "ETag": f'"{MD5}"'}
GOOD = [
    ({"Content-MD5": b64("md5")}, ["md5"]),
    ({"content-md5": b64("md5")}, ["md5"]),
    ({"Repr-Digest": f"sha-256=:{b64('sha256')}:, sha-512=:{b64('sha512')}:"}, ["sha256", "sha512"]),
    ({"Content-Digest": f"sha-512=:{b64('sha512')}:;x=1"}, ["sha512"]),
    ({"Digest": f"SHA-256={b64('sha256')},MD5={b64('md5')},sha={b64('sha1')}"}, ["sha256", "md5", "sha1"]),
    ({"Digest": f"id-sha-256={b64('sha256')}"}, ["sha256"]),
    ({"x-goog-hash": f"crc32c=n03x6A==,md5={b64('md5')}"}, ["md5"]),
    ({"x-goog-hash": f"md5={b64('md5')}", "x-goog-stored-content-encoding": "identity"}, ["md5"]),
    ({"x-amz-checksum-sha256": b64("sha256")}, ["sha256"]),
    ({"x-amz-checksum-sha1": b64("sha1"), "x-amz-checksum-type": "FULL_OBJECT"}, ["sha1"]),
    ({"x-amz-checksum-crc32": b64("crc32")}, ["crc32"]),
    (S3, ["md5"]),
    ({**S3, "x-amz-server-side-encryption": "AES256"}, ["md5"]),
]
IGNORED = [
    {},
    {"Content-MD5": "not base64"},
    {"Content-MD5": b64("sha256")},
    {"Content-MD5": MD5},
    {"Repr-Digest": "sha-256=:###:"},
    {"Repr-Digest": f"unixsum=:{b64('md5')}:"},
    {"Digest": "UNIXsum=30637"},
    {"x-goog-hash": "crc32c=n03x6A=="},
    {"x-goog-hash": f"md5={b64('md5')}", "x-goog-stored-content-encoding": "gzip"},
    {"x-amz-checksum-sha256": b64("sha256") + "-3"},
    {"x-amz-checksum-sha256": b64("sha256"), "x-amz-checksum-type": "COMPOSITE"},
    {"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="},
    {"ETag": f'"{MD5}"'},
    {**S3, "ETag": f'"{MD5}-2"'},
    {**S3, "ETag": f'W/"{MD5}"'},
    {**S3, "x-amz-server-side-encryption": "aws:kms"},
    {**S3, "x-amz-server-side-encryption": "aws:kms:dsse"},
    {**S3, "x-amz-server-side-encryption-customer-algorithm": "AES256"},
    {**S3, "x-amz-storage-class": "EXPRESS_ONEZONE"},
]


def hashed(found: tuple[digests.Digest, ...], body: bytes) -> digests.Hashes:
    hashes = digests.Hashes(found)
    for place in range(0, len(body), 10):
        hashes.update(memoryview(body)[place : place + 10])
    return hashes


@pytest.mark.parametrize(("headers", "algorithms"), GOOD)
def test_an_announced_digest_passes_the_right_bytes_and_no_others(
    headers: dict[str, str], algorithms: list[str]
) -> None:
    found = digests.announced(CIMultiDict(headers), undone=False)
    assert [digest.algorithm for digest in found] == algorithms
    hashed(found, BODY).check()
    with pytest.raises(errors.DigestMismatch) as caught:
        hashed(found, BODY + b"!").check()
    assert caught.value.retry


@pytest.mark.parametrize("headers", IGNORED)
def test_what_is_no_digest_of_the_whole_file_is_ignored(headers: dict[str, str]) -> None:
    assert digests.announced(CIMultiDict(headers), undone=False) == ()


@pytest.mark.parametrize(("headers", "algorithms"), GOOD)
def test_where_a_coding_was_undone_only_digests_of_the_plain_bytes_count(
    headers: dict[str, str], algorithms: list[str]
) -> None:
    found = digests.announced(CIMultiDict(headers), undone=True)
    assert [digest.algorithm for digest in found] == (algorithms if "id-" in headers.get("Digest", "") else [])


@given(st.dictionaries(st.sampled_from(["Content-MD5", "Digest", "Repr-Digest", "x-goog-hash", "ETag"]), st.text()))
def test_no_header_breaks_the_reading(headers: dict[str, str]) -> None:
    for digest in digests.announced(CIMultiDict(headers), undone=False):
        assert len(digest.value) == hashlib.new(digest.algorithm).digest_size


@given(st.lists(st.binary(max_size=100)))
def test_sha256_and_size_are_of_all_bytes(parts: list[bytes]) -> None:
    hashes = digests.Hashes()
    for part in parts:
        hashes.update(part)
    assert hashes.sha256 == hashlib.sha256(b"".join(parts)).digest()
    assert hashes.size == sum(map(len, parts))


async def test_a_download_announces_the_digests_to_check_it_by() -> None:
    answer = sources.reply(BODY, Repr_Digest=f"sha-256=:{b64('sha256', b'other bytes')}:")
    async with (
        sources.serving(sources.always(answer)) as server,
        fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher,
        fetcher.open(server.source()) as found,
    ):
        hashes = digests.Hashes(found.announced.digests)
        async for piece in found.chunks():
            hashes.update(piece)
    with pytest.raises(errors.DigestMismatch, match="Repr-Digest"):
        hashes.check()
