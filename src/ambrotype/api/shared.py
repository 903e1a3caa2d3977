"""`/s/{token}`: what a share shows to people without an account.

Nothing runs on the page, and it asks for nothing but its own pictures. The addresses of these are signed for the share
and end with it (`library.shares.holds`); with a password, only who knows it gets to see them.
"""

import base64
import datetime
import hmac
import urllib.parse
from collections.abc import Callable
from typing import Annotated, Any

import fastapi
from fastapi import responses

from ambrotype.api import context, documents, limiting, routing, share_page
from ambrotype.api import errors as problems
from ambrotype.core import errors, renditions
from ambrotype.delivery import signing
from ambrotype.library import passwords, shares

router = routing.router(tags=["shares"])

COOKIE = "ambrotype_share"
KNOWN_FOR = datetime.timedelta(hours=12)
"""How long a browser is not asked for the password again, and how long a page left open goes on showing."""
PAGE_WIDTH = 1280
"""Pixels of a picture on the page; a click shows all of it."""
_MOST_FORM = 16_384
"""Bytes of the password's form."""

Token = Annotated[str, fastapi.Path(max_length=200)]
_HTML: dict[str, Any] = {"description": "the page", "content": {"text/html": {"schema": {"type": "string"}}}}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {"password": {"type": "string"}}}
            }
        },
    }
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """A page, or a problem for who prefers JSON."""
    documented = documents.problems(*statuses)
    for reply in documented.values():
        reply["content"] |= _HTML["content"]
    return documented


@router.get(
    "/s/{token}",
    responses={200: _HTML, **_refusals(404, 429, 503), **documents.problems(422)},
    response_class=responses.HTMLResponse,
)
async def show(here: context.Here, request: fastapi.Request, token: Token) -> fastapi.Response:
    """The page of a share, for anyone who has its address; or the form that asks for its password."""
    try:
        limiting.count(request, None)
        share = await shares.opened(here.app.data, token)
        if not _known(here, share, request.cookies.get(COOKIE)):
            return _page(share_page.locked())
        items = await shares.shown(here.app.data, share.id)
    except errors.AmbrotypeError as error:
        return _refusal(request, error)
    return _page(share_page.opened(share, [_item(here, share, item) for item in items]))


@router.head("/s/{token}", include_in_schema=False)
async def look(here: context.Here, request: fastapi.Request, token: Token) -> fastapi.Response:
    """The same without the page, and not counted as a view."""
    try:
        limiting.count(request, None)
        await shares.opened(here.app.data, token)
    except errors.AmbrotypeError as error:
        refused = _refusal(request, error)
        return responses.Response(status_code=refused.status_code, headers=share_page.headers())
    return responses.Response(media_type="text/html", headers=share_page.headers())


@router.post(
    "/s/{token}",
    status_code=303,
    openapi_extra=_FORM,
    responses={
        303: {"description": "the password is right: to the page"},
        403: {**_HTML, "description": "the password is wrong: the form again"},
        **_refusals(404, 413, 429, 503),
        **documents.problems(422),
    },
)
async def unlock(here: context.Here, request: fastapi.Request, token: Token) -> fastapi.Response:
    """Takes the password of a share."""
    try:
        limiting.count(request, None)
        share = await shares.opened(here.app.data, token)
        if share.password_hash is not None:
            limiting.count_guess(request, str(share.id))
            if not await passwords.matches(share.password_hash, await _password(request)):
                return _page(share_page.locked(wrong=True), 403)
    except errors.AmbrotypeError as error:
        return _refusal(request, error)
    # Relative, so that it holds behind a proxy that puts a folder before ours.
    response = responses.Response(status_code=303, headers={**share_page.headers(), "Location": token})
    until = datetime.datetime.now(datetime.UTC) + KNOWN_FOR
    base = urllib.parse.urlsplit(here.app.addresses.public_url)
    response.set_cookie(
        COOKIE,
        _proof(here.app.signing_keys[0], share, int(until.timestamp())),
        max_age=int(KNOWN_FOR.total_seconds()),
        path=f"{base.path}/s/{token}",
        httponly=True,
        secure=base.scheme == "https",
        samesite="lax",  # links in mails and chats come from other sites
    )
    return response


def _item(here: context.Context, share: shares.Opened, item: shares.Shown) -> share_page.Item:
    """Addresses are relative: they hold whatever the page is reached by, and the policy allows no other host."""
    until = datetime.datetime.now(datetime.UTC) + KNOWN_FOR
    where = f"../m/{item.id}/{item.kind}"  # not its name, which may tell of its slot or source
    signed = {"share": shares.handed_out_for(share)}

    def address(**more: str) -> str:
        return f"{where}?{signing.sign(item.id, signed | more, expires_at=until, keys=here.app.signing_keys)}"

    return share_page.Item(
        kind=item.kind,
        url=address(),
        preview=_preview(item, address),
        download=address(download="1") if share.allow_download else None,
        width=item.width,
        height=item.height,
        title=item.title,
        note=item.note,
    )


def _preview(item: shares.Shown, address: Callable[..., str]) -> str | None:
    """A smaller picture to begin with, where one can be made and is smaller."""
    if not item.visible:
        return None
    offered = renditions.offered(item.kind, item.content_type, width=item.width, height=item.height)
    if "poster" in offered:
        return address(rendition="poster")
    return address(w=str(PAGE_WIDTH)) if f"w{PAGE_WIDTH}" in offered else None


def _known(here: context.Context, share: shares.Opened, cookie: str | None) -> bool:
    """Whether the browser has shown the password that the share has now."""
    if share.password_hash is None:
        return True
    until, _, rest = (cookie or "").partition(".")
    kid, _, _ = rest.partition(".")
    key = next((key for key in here.app.signing_keys if key.kid == kid), None)
    if key is None or not until.isdecimal() or len(until) > 11:
        return False
    right = hmac.compare_digest(_proof(key, share, int(until)).encode(), (cookie or "").encode("utf-8", "replace"))
    return right and int(until) > datetime.datetime.now(datetime.UTC).timestamp()


def _proof(key: signing.Key, share: shares.Opened, until: int) -> str:
    """What the cookie says, until then and for this password."""
    told = f"share password\n{share.id}\n{share.edition}\n{until}\n{key.kid}"
    digest = hmac.digest(key.secret, told.encode(), "sha256")
    return f"{until}.{key.kid}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def _password(request: fastapi.Request) -> str:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM:
            raise errors.TooLarge("The form is too large; send the password alone.")
    try:
        fields = urllib.parse.parse_qs(body.decode("latin-1"), max_num_fields=8)
    except ValueError:
        return ""
    return fields.get("password", [""])[0]


def _page(content: str, status: int = 200, headers: dict[str, str] | None = None) -> fastapi.Response:
    return responses.HTMLResponse(content, status_code=status, headers={**share_page.headers(), **(headers or {})})


def _refusal(request: fastapi.Request, error: errors.AmbrotypeError) -> fastapi.Response:
    if _prefers_json(request.headers.get("accept", "")):
        raise error
    status = problems.status_of(error)
    return _page(share_page.refused(status, error.detail), status, problems.headers_of(error))


def _prefers_json(accept: str) -> bool:
    """Whether JSON is named with more weight than HTML (RFC 9110, section 12.5.1); a browser names HTML."""
    best = {"html": 0.0, "json": 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            value = float(weight)
        except ValueError:
            value = 0.0
        if kind in ("application/json", "application/problem+json"):
            best["json"] = max(best["json"], value)
        elif kind in ("text/html", "application/xhtml+xml", "text/*"):
            best["html"] = max(best["html"], value)
    return best["json"] > best["html"]
