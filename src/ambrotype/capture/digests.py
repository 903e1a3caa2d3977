"""The digests that a server announces with a file, and hashing against them while the bytes pass.

A digest is used only where it is known to cover exactly the bytes of a plain 200 answer; anything malformed,
composite or of an unknown algorithm is ignored, because a false alarm would lose the file.
"""

import base64
import dataclasses
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ambrotype.core import errors

_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "crc32": 4}

# RFC 9530 (`sha-256=:…:`) and RFC 3230 (`SHA-256=…`); `id-` digests cover the bytes without any content
# coding.
_STRUCTURED = re.compile(r"([a-z0-9-]+)=:([A-Za-z0-9+/=]+):")
_LIST = re.compile(r"([A-Za-z0-9-]+)=([A-Za-z0-9+/]+=*)")
_NAMES = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}

_S3_ETAG = re.compile(r'"([0-9a-f]{32})"')
_S3_CHECKSUMS = {name: f"x-amz-checksum-{name}" for name in ("sha256", "sha1", "crc32", "sha512", "md5")}


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """What the bytes have to hash to: md5, sha1, sha256, sha512 or crc32, the raw value, and who said so."""

    algorithm: str
    value: bytes
    header: str


def announced(headers: Mapping[str, str], *, undone: bool) -> tuple[Digest, ...]:
    """The digests in an answer's headers (case-insensitive) that apply to the bytes handed on.

    Where a content coding was `undone`, only RFC 3230's `id-` digests do: RFC 9530 counts the coding as part
    of the representation, and stores hash what they hold. gzip's own checksum is checked in undoing it.
    """
    found = [*_digest(headers, identity=True)]
    if not undone:
        found += [*_content_md5(headers), *_fields(headers), *_digest(headers, identity=False)]
        found += [*_google(headers), *_s3(headers)]
    return tuple(digest for digest in found if len(digest.value) == _SIZES[digest.algorithm])


class Hashes:
    """Hashes bytes as they pass: SHA-256 always, and what announced digests need. Not thread-safe."""

    def __init__(self, announced: Iterable[Digest] = ()) -> None:
        self._announced = tuple(announced)
        names = {"sha256", *(digest.algorithm for digest in self._announced)}
        self._hashes = {name: _ALGORITHMS[name]() for name in names}
        self.size = 0
        """Bytes so far."""

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes."""
        self.size += len(data)
        for running in self._hashes.values():
            running.update(data)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of the bytes so far, 32 bytes."""
        return self._hashes["sha256"].digest()

    def check(self) -> None:
        """Returns if all announced digests hold, else raises `errors.DigestMismatch`."""
        for digest in self._announced:
            if self._hashes[digest.algorithm].digest() != digest.value:
                raise errors.DigestMismatch(
                    f"The {self.size} bytes received do not match the {digest.algorithm} "
                    f"that came with them in {digest.header}."
                )


class _Running(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4)


# MD5 and SHA-1 find damage here, they protect nothing: the item's identity is its SHA-256.
_ALGORITHMS: dict[str, Callable[[], _Running]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "crc32": _Crc32,
}


def _content_md5(headers: Mapping[str, str]) -> Iterator[Digest]:
    if text := headers.get("Content-MD5"):
        yield Digest("md5", _decoded(text), "Content-MD5")


def _fields(headers: Mapping[str, str]) -> Iterator[Digest]:
    for header in ("Repr-Digest", "Content-Digest"):
        for name, value in _STRUCTURED.findall(headers.get(header, "")):
            if name in _NAMES:
                yield Digest(_NAMES[name], _decoded(value), header)


def _digest(headers: Mapping[str, str], *, identity: bool) -> Iterator[Digest]:
    for name, value in _LIST.findall(headers.get("Digest", "")):
        plain = name.lower().removeprefix("id-")
        if plain in _NAMES and identity == (plain != name.lower()):
            yield Digest(_NAMES[plain], _decoded(value), "Digest")


def _google(headers: Mapping[str, str]) -> Iterator[Digest]:
    # The hash is of the stored object, which Google may have unpacked on the way here.
    if headers.get("x-goog-stored-content-encoding", "identity") != "identity":
        return
    for name, value in _LIST.findall(headers.get("x-goog-hash", "")):
        if name == "md5":
            yield Digest("md5", _decoded(value), "x-goog-hash")


def _s3(headers: Mapping[str, str]) -> Iterator[Digest]:
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
        for algorithm, header in _S3_CHECKSUMS.items():
            if text := headers.get(header):
                yield Digest(algorithm, _decoded(text), header)
    etag = _S3_ETAG.fullmatch(headers.get("ETag", ""))
    if etag and "x-amz-request-id" in headers and not _etag_is_opaque(headers):
        yield Digest("md5", bytes.fromhex(etag[1]), "ETag")


def _etag_is_opaque(headers: Mapping[str, str]) -> bool:
    """With KMS or customer keys and in directory buckets it is no MD5 (S3 API reference, "Object")."""
    return (
        headers.get("x-amz-server-side-encryption", "AES256") != "AES256"
        or "x-amz-server-side-encryption-customer-algorithm" in headers
        or headers.get("x-amz-storage-class") == "EXPRESS_ONEZONE"
    )


def _decoded(text: str) -> bytes:
    """Empty where it is not base64, which no algorithm's size matches; so are composite checksums (`…-3`)."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return b""
