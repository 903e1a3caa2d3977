"""Faults of the bytes, or of what the headers say of them."""

import http
import itertools
import zlib
from collections.abc import Iterable, Iterator

from ambrotype.core import errors
from ambrotype.simulator import answers, assets, exchange

_DIGESTS: dict[str, str | None] = dict.fromkeys(("Content-MD5", "Repr-Digest", "x-goog-hash", "x-ms-blob-content-md5"))

_PAGES = {
    "html": (
        "text/html; charset=utf-8",
        "<!DOCTYPE html><html><title>Sorry</title><body>This link is gone.</body></html>",
    ),
    "xml": (
        "application/xml",
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    ),
    "json": ("application/json", '{"error": {"code": "expired", "message": "This link is gone."}}'),
}


def changed(of: exchange.Exchange, *, cut: int = 1000, obey: bool = True) -> answers.Answer:
    """The first GET is cut after `cut` bytes; then another file of another ETag is there; `obey=no` ignores
    If-Range.
    """
    if of.attempt == 0:
        honest = of.serve()
        return honest.but(body=answers.first(honest.body, cut), end="cut") if cut else honest
    return of.serve(assets.find(_next_seed(of.asset.key)), obey_if_range=obey)


def shifted(of: exchange.Exchange, *, cut: int = 1000, by: int = 1) -> answers.Answer:
    """The first GET is cut after `cut` bytes; a range asked for then comes from `by` bytes further on."""
    honest = of.serve()
    if of.attempt == 0:
        return honest.but(body=answers.first(honest.body, cut), end="cut")
    if honest.status != 206:
        return honest
    start, end = (int(part) for part in honest.headers["Content-Range"].split()[1].split("/")[0].split("-"))
    start = min(start + by, end)
    return honest.but(
        headers={
            "Content-Range": f"bytes {start}-{end}/{of.asset.size}",
            "Content-Length": str(end + 1 - start),
        },
        body=of.asset.pieces(start, end + 1 - start),
    )


def norange(of: exchange.Exchange) -> answers.Answer:
    """Range is ignored: always 200 and the whole."""
    return of.serve(ranged=False)


def gzipped(of: exchange.Exchange) -> answers.Answer:
    """Content-Encoding: gzip, whatever was asked for; no length, no ranges."""
    honest = of.serve(ranged=False)
    return _encoded(honest, honest.body)


def bomb(of: exchange.Exchange, *, size: int = 2**30) -> answers.Answer:
    """The file and zeros up to `size` bytes, as a gzip about a thousand times smaller."""
    honest = of.serve(ranged=False)
    return _encoded(honest, itertools.chain(honest.body, _zeros(size - of.asset.size)))


def page(of: exchange.Exchange, *, kind: str = "html", status: int = 200, disguised: bool = False) -> answers.Answer:
    """An error page (`html`, `xml`, `json`) with status 200; `disguised`: under the file's Content-Type."""
    if kind not in _PAGES or status not in http.HTTPStatus.__members__.values():
        raise errors.InvalidRequest(
            f"A page of kind {kind!r}, status {status}: use {', '.join(_PAGES)} and a status of HTTP."
        )
    content_type, body = _PAGES[kind]
    return answers.text(status, body, of.asset.content_type if disguised else content_type)


def mistyped(of: exchange.Exchange, *, value: str = "text/plain") -> answers.Answer:
    """The right bytes under the wrong Content-Type `value`; an empty one leaves the header out."""
    return of.serve().but(headers={"Content-Type": value or None})


def digest(of: exchange.Exchange) -> answers.Answer:
    """The right bytes under wrong digests (Content-MD5, Repr-Digest, x-goog-hash, or the ETag where it is the
    MD5).
    """
    true = assets.digests(of.asset)
    return of.serve(digests=true and true.spoiled())


def truncated(of: exchange.Exchange, *, part: float = 0.5) -> answers.Answer:
    """A file that ends in the middle at its source: length and digests are right, the picture is not."""
    return of.serve(of.asset.shortened(int(of.asset.size * part)))


def empty(of: exchange.Exchange) -> answers.Answer:
    """Status 200, the right type, and no bytes."""
    return of.serve(of.asset.shortened(0), ranged=False)


def _next_seed(key: str) -> str:
    folder, name = key.rsplit("/", 1)
    seed, extension = name.split(".")
    return f"{folder}/{int(seed) + 1}.{extension}"


def _encoded(honest: answers.Answer, body: Iterable[bytes]) -> answers.Answer:
    if honest.status != 200:
        return honest
    return honest.but(
        headers={
            **_DIGESTS,
            "Content-Length": None,
            "Content-Encoding": "gzip",
            "ETag": f"W/{honest.headers['ETag']}",
        },
        body=_deflated(body),
        framing="chunked",
    )


def _deflated(body: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for piece in body:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()


def _zeros(size: int) -> Iterator[bytes]:
    block = bytes(1 << 18)
    while size > 0:
        yield block[:size]
        size -= len(block)
