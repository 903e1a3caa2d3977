"""Who is asking: from the Authorization header and the two that name an app and an owner, to a principal."""

from typing import Annotated

import fastapi
from fastapi import security

from ambrotype.accounts import keys
from ambrotype.api import context
from ambrotype.core import errors, owners

_bearer = security.HTTPBearer(auto_error=False, description="An API key, `amb_…`.")

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
    """The caller, or None without credentials; wrong ones are refused in any case."""
    if bearer is None:
        if "authorization" in request.headers:
            raise errors.Unauthenticated("Send credentials as `Authorization: Bearer amb_…`.")
        return None
    return await principal(here, bearer.credentials, owner=owner, app=app)


async def principal(here: context.Context, credentials: str, *, owner: str | None, app: str | None) -> owners.Principal:
    """The principal that a bearer token stands for."""
    if not credentials.startswith("amb_"):
        raise errors.Unauthenticated("This token is not known here; an API key begins with amb_.")
    return await keys.principal(here.app.data, credentials, app=app, owner=_text(owner) if owner is not None else None)


def _text(header: str) -> str:
    """Owners' names may hold any letter. Clients send UTF-8, which HTTP servers read as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


async def somebody(found: Annotated[owners.Principal | None, fastapi.Depends(anyone)]) -> owners.Principal:
    """The caller; nobody is refused."""
    if found is None:
        raise errors.Unauthenticated("Send an API key as `Authorization: Bearer amb_…`.")
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
