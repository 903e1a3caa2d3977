"""Who is asking, and whether they may: what routes depend on."""

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
    try:
        who = await credentials.principal(here, request)
    except errors.Unauthenticated:
        limiting.count(request, None)
        raise
    limiting.count(request, who)
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


Anyone = Annotated[owners.Principal | None, fastapi.Depends(anyone)]
Reader = Annotated[owners.Principal, fastapi.Depends(reader)]
Writer = Annotated[owners.Principal, fastapi.Depends(writer)]
Administrator = Annotated[owners.Principal, fastapi.Depends(administrator)]
