"""The decision about one request: who may have what, in which state, by which way. No I/O.

`admit` looks at the item and who asks; `answer` at the bytes and what is asked of them. Both raise an
`errors.*` where the reply is a problem.
"""

import dataclasses
import datetime
import urllib.parse

from ambrotype.core import errors
from ambrotype.delivery import asgi, conditional, deliverable, headers, multipart, ranges, request, signing

RETRY_KEEPING = 5
RETRY_TEMPORARY = 60
"""Seconds to tell in Retry-After."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What speaks for the caller besides the item's `mine` and visibility."""

    grant: signing.Grant | None = None
    refused: errors.InvalidSignature | None = None
    """Why the signature that came with the request grants nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Serve:
    """The bytes are in the store and the caller may have them."""

    found: deliverable.Deliverable
    content: deliverable.Content


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """The capture is to be moved to the front, and the request to wait for it."""

    found: deliverable.Deliverable


@dataclasses.dataclass(frozen=True, slots=True)
class Redirect:
    """307 to somewhere else."""

    url: str

    @property
    def headers(self) -> asgi.Headers:
        """Not to be stored: tomorrow the answer is another. No referrer: the URL that was asked for may be a
        signed one."""
        location = urllib.parse.quote(self.url, safe="%/:?#[]@!$&'()*+,;=-._~")
        return [
            *headers.encode([("location", location), ("referrer-policy", "no-referrer"), ("content-length", "0")]),
            *headers.NO_STORE,
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A reply whose body is `pieces` of the content, none for HEAD, 304 and an empty file."""

    status: int
    headers: asgi.Headers
    content: deliverable.Content
    pieces: tuple[multipart.Piece, ...]

    @property
    def whole(self) -> bool:
        """Whether the body is exactly the file, be it as 200 or as 206."""
        return self.pieces == (ranges.Range(0, self.content.size),)

    @property
    def begins(self) -> bool:
        """Whether the body holds the file's first byte: what a view is, however many ranges a player asks for."""
        return any(isinstance(piece, ranges.Range) and piece.start == 0 for piece in self.pieces)


def admit(
    found: deliverable.Deliverable | None, asked: request.Request, access: Access, *, waited: bool
) -> Serve | Wait | Redirect:
    """What the item's state and the caller's right come to. `waited`: the capture has been waited for
    already.

    Raises `errors.NotFound` also for what the caller may not know of, `errors.InvalidSignature` where only a
    signature could help and it is wrong, whether or not the item exists, `errors.Gone` and
    `errors.Unavailable`.
    """
    if found is None or not _has_right(found, access):
        raise access.refused or errors.NotFound("There is no such media item, or it is not yours.")
    if found.deleted_at is not None and found.status != "tombstone" and not found.mine:
        raise errors.NotFound("There is no such media item, or it is not yours.")
    if found.status in ("lost", "expired", "tombstone"):
        raise errors.Gone(_epitaph(found))
    if found.content is not None:
        return Serve(found, found.content)
    if found.status == "kept":
        raise errors.Unavailable("The item is kept, but its record does not say where; ask the administrator.")
    if found.status == "keeping" and not waited:
        return Wait(found)
    if found.mine and found.source_allowed and found.source_url and _source_will_do(found, asked):
        return Redirect(found.source_url)
    raise _not_yet(found)


def answer(serve: Serve, asked: request.Request, access: Access, *, now: datetime.datetime) -> Plan:
    """The reply with the bytes of `serve.content`, by conditions and ranges (RFC 9110, section 13.2.2)."""
    content = serve.content
    tag = conditional.etag(content.sha256)
    visibility, grant = _exposure(serve.found, access)
    cache = headers.cache_control(visibility, grant=grant, now=now)
    vary = _vary(asked, hidden=visibility == "private" and grant is None)
    common = headers.validators(content, cache=cache, vary=vary)
    if conditional.unchanged(asked.headers, tag=tag, modified=content.modified):
        return Plan(status=304, headers=common, content=content, pieces=())
    common += headers.representation(content, download=asked.download)
    wanted = None
    if asked.method == "GET" and conditional.range_applies(asked.headers, tag=tag, modified=content.modified):
        wanted = ranges.parse(asked.headers.get("range"), content.size)
    return _partial(content, common, wanted) if wanted else _full(content, common, asked)


def _full(content: deliverable.Content, common: asgi.Headers, asked: request.Request) -> Plan:
    about = [("content-type", headers.content_type(content)), ("content-length", str(content.size))]
    pieces = (ranges.Range(0, content.size),) if asked.method == "GET" and content.size else ()
    return Plan(status=200, headers=headers.encode(about) + common, content=content, pieces=pieces)


def _partial(content: deliverable.Content, common: asgi.Headers, wanted: list[ranges.Range]) -> Plan:
    media_type = headers.content_type(content)
    pieces: tuple[multipart.Piece, ...]
    if len(wanted) == 1:
        pieces = (wanted[0],)
        about = [("content-type", media_type), ("content-range", wanted[0].content_range(content.size))]
    else:
        mark = multipart.boundary()
        pieces = multipart.pieces(wanted, size=content.size, content_type=media_type, boundary=mark)
        about = [("content-type", f"multipart/byteranges; boundary={mark}")]
    about.append(("content-length", str(multipart.length(pieces))))
    return Plan(status=206, headers=headers.encode(about) + common, content=content, pieces=pieces)


def _has_right(found: deliverable.Deliverable, access: Access) -> bool:
    return found.mine or found.visibility != "private" or access.grant is not None


def _exposure(found: deliverable.Deliverable, access: Access) -> tuple[deliverable.Visibility, signing.Grant | None]:
    """What caches may assume. An item in the trash is its owner's alone, whatever it was or is signed for."""
    return ("private", None) if found.deleted_at is not None else (found.visibility, access.grant)


def _vary(asked: request.Request, *, hidden: bool) -> str | None:
    """A hidden item is shown to some callers only; `format=auto` follows the Accept header."""
    names = ["Accept"] if asked.query.get("format") == "auto" else []
    return ", ".join(names + (["Authorization", "Cookie"] if hidden else [])) or None


def _source_will_do(found: deliverable.Deliverable, asked: request.Request) -> bool:
    """A browser scales a picture by itself, but it can't show a video in place of its poster."""
    web = urllib.parse.urlsplit(found.source_url or "").scheme in ("http", "https")
    return web and (found.kind == "image" or not asked.transform)


def _not_yet(found: deliverable.Deliverable) -> errors.Unavailable:
    if found.status == "keeping":
        return errors.Unavailable(
            f"This item is still being captured; try again in {RETRY_KEEPING} seconds.",
            retry_after=RETRY_KEEPING,
        )
    return errors.Unavailable(
        "This item still lives at its provider only; it is served from here once its owner keeps it.",
        retry_after=RETRY_TEMPORARY,
    )


def _epitaph(found: deliverable.Deliverable) -> str:
    """Why it is gone. The detail of a loss may name the source, which is for the owner and keys only."""
    if found.status == "lost":
        detail = f": {found.lost_detail}" if found.mine and found.lost_detail else ""
        return f"This item could not be captured ({found.lost_code or 'lost'}){detail}"
    if found.status == "expired":
        return "This item's source ran out before anybody asked to keep it (expired)."
    when = f" at {found.gone_at.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC" if found.gone_at else ""
    return f"This item was removed{when} ({found.gone_reason or 'purged'})."
