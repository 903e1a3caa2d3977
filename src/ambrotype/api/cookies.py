"""The gallery's session and a guest's token as cookies, and whether a request that came with one is our own page's.

A browser sends cookies along whoever made it ask. The session's is `SameSite=Strict`; behind that, a request that
changes something must say by `Sec-Fetch-Site` or `Origin` that it comes from here (OWASP, Cross-Site Request Forgery
Prevention).
"""

import datetime
import urllib.parse
from typing import Literal

import fastapi
from starlette import requests

from ambrotype.api import context
from ambrotype.core import errors

SESSION = "ambrotype_session"
GUEST = "ambrotype_guest"
_SAFE = ("GET", "HEAD", "OPTIONS")
_SAME_SITE: dict[str, Literal["strict", "lax"]] = {SESSION: "strict", GUEST: "lax"}


def put(
    response: fastapi.Response, here: context.Context, name: str, value: str, *, expires_at: datetime.datetime
) -> None:
    """Sets a cookie until this moment."""
    left = int((expires_at - datetime.datetime.now(datetime.UTC)).total_seconds())
    response.set_cookie(
        name, value, max_age=max(left, 0), httponly=True, secure=_secure(here), samesite=_SAME_SITE[name], path="/"
    )


def drop(response: fastapi.Response, here: context.Context, name: str) -> None:
    """Makes the browser forget a cookie."""
    response.delete_cookie(name, httponly=True, secure=_secure(here), samesite=_SAME_SITE[name], path="/")


def check_origin(here: context.Context, connection: requests.HTTPConnection, *, silent: bool) -> None:
    """Raises `errors.Forbidden` where another site may have made the browser ask.

    `silent` is whether a request may pass that says nothing of where it comes from: no browser's in use does that.
    """
    if connection.scope["method"] in _SAFE:
        return
    origin = connection.headers.get("origin")
    if origin is not None and origin in here.app.settings.cors_origins:
        return
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in ("same-origin", "none")
    elif origin is not None:
        public = urllib.parse.urlsplit(here.app.settings.public_url or "").netloc
        ours = urllib.parse.urlsplit(origin).netloc in {connection.headers.get("host"), public} - {"", None}
    else:
        ours = silent
    if not ours:
        raise errors.Forbidden(
            "This request came with a cookie from another site's page; send it from Ambrotype's own, or with a token as"
            " Authorization: Bearer."
        )


def _secure(here: context.Context) -> bool:
    return here.app.addresses.public_url.startswith("https:")
