"""Who is asking, and whether they may: what routes depend on."""

import hmac
from collections.abc import Callable
from typing import Annotated

import fastapi
from fastapi import security

from ambrotype.api import context, credentials, limiting
from ambrotype.core import errors, owners

_bearer = security.HTTPBearer(
    auto_error=False, description="An API key `amb_…`, a user's JWT, or a guest's token `gst_…`."
)

OwnerHeader = Annotated[
    str | None,
    fastapi.Header(alias="Ambrotype-Owner", description="Whom a key acts for: `user:<sub>` or `guest:<id>`."),
]
AppHeader = Annotated[
    str | None,
    fastapi.Header(alias="Ambrotype-App", description="Which app a service key acts in, if not its own."),
]


async def anyone(
    here: context.Here,
    bearer: Annotated[security.HTTPAuthorizationCredentials | None, fastapi.Depends(_bearer)],
    request: fastapi.Request,
    owner: OwnerHeader = None,
    app: AppHeader = None,
) -> owners.Principal | None:
    """The caller, or None without credentials; wrong ones are refused in any case. The request is counted.

    The parameters are for the OpenAPI document: `credentials` reads the headers, and cookies too.
    """
    return await _asking(here, request)


async def _asking(here: context.Context, request: fastapi.Request) -> owners.Principal | None:
    if hasattr(request.state, "caller"):  # `check` has been here
        found: owners.Principal | None = request.state.caller
        return found
    try:
        who = await credentials.principal(here, request)
    except errors.Unauthenticated:
        limiting.count(request, None)
        raise
    limiting.count(request, who)
    request.state.caller = who
    return who


async def somebody(found: Annotated[owners.Principal | None, fastapi.Depends(anyone)]) -> owners.Principal:
    """The caller; nobody is refused."""
    if found is None:
        raise errors.Unauthenticated(
            "Sign in: send an API key, a user's token or a guest's as `Authorization: Bearer …`."
        )
    return found


async def reader(who: Annotated[owners.Principal, fastapi.Depends(somebody)]) -> owners.Principal:
    """A caller with an owner, or the administrator."""
    if who.owner is None and not who.administrator:
        raise errors.OwnerRequired(
            f"A key of role {who.role!r} must name whom it acts for: send Ambrotype-Owner: user:<id> or guest:<id>."
        )
    return who


async def writer(who: Annotated[owners.Principal, fastapi.Depends(reader)]) -> owners.Principal:
    """The same, and allowed to change things."""
    if not who.may_write:
        raise errors.Forbidden("A read key can't change anything; use an app or service key.")
    return who


async def administrator(who: Annotated[owners.Principal, fastapi.Depends(somebody)]) -> owners.Principal:
    """A service key."""
    if who.role != "service":
        raise errors.Forbidden("Only a service key may do this.")
    return who


async def scraper(request: fastapi.Request) -> None:
    """Prometheus with the token of the settings, or a service key."""
    token = context.of(request).app.settings.metrics_token
    given = request.headers.get("authorization", "")
    if token is not None and hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode()):
        return
    await administrator(await somebody(await _asking(context.of(request), request)))


CHECKS = (administrator, writer, reader, somebody, anyone)
"""What a route may ask of its caller, the strictest first."""


async def check(request: fastapi.Request, asked: Callable[..., object]) -> None:
    """Does what the dependency `asked` will do, before anything else of the request is looked at."""
    who = await _asking(context.of(request), request)
    if asked is anyone:
        return
    known = await somebody(who)
    if asked is administrator:
        await administrator(known)
    elif asked is writer:
        await writer(await reader(known))
    elif asked is reader:
        await reader(known)


async def reading(request: fastapi.Request) -> owners.Principal:
    """The caller of a route that does without dependencies: one with an owner, or the administrator."""
    return await reader(await somebody(await _asking(context.of(request), request)))


Anyone = Annotated[owners.Principal | None, fastapi.Depends(anyone)]
Reader = Annotated[owners.Principal, fastapi.Depends(reader)]
Writer = Annotated[owners.Principal, fastapi.Depends(writer)]
Administrator = Annotated[owners.Principal, fastapi.Depends(administrator)]
