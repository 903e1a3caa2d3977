"""Users' tokens: JSON Web Tokens (RFC 7519) of an app's issuer, checked as RFC 8725 asks.

Which algorithms may have signed follows from the kind of key that the settings name, never from the token: HS256 for a
secret; RS256, ES256 or EdDSA for published keys.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from jwt import exceptions

from ambrotype.accounts import jwks
from ambrotype.core import errors, owners

LEEWAY = 10
"""Seconds that clocks may differ."""
SUPABASE = "authenticated"
"""The audience of Supabase Auth's tokens (supabase.com/docs/guides/auth/jwt-fields)."""
MOST = 16 * 1024
"""Characters of a token."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose tokens an app's users show."""

    app: str
    secret: bytes | None = None
    keys: jwks.Jwks | None = None
    audiences: tuple[str, ...] = ()
    """None named: `authenticated`; a token signed with the secret may then also have no audience at all."""
    issuer: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who a token says it is, and until when (seconds since 1970)."""

    app: str
    owner: owners.Owner
    expires_at: float


class Tokens:
    """The issuers of all apps. A token's app is the one whose issuer made it."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = tuple(issuers)

    @property
    def any(self) -> bool:
        """Whether users can sign in at all."""
        return bool(self._issuers)

    async def close(self) -> None:
        """Ends what is under way."""
        for issuer in self._issuers:
            if issuer.keys is not None:
                await issuer.keys.close()

    async def user(self, token: str) -> User:
        """The user whose token this is. Raises `errors.Unauthenticated` with what is wrong with it, or
        `errors.Unavailable` while an issuer's keys can't be had."""
        kid, algorithm = _header(token)
        wrong = "nobody whose tokens are taken here has signed it"
        unavailable: errors.Unavailable | None = None
        for issuer in self._issuers:
            try:
                keys = await _keys(issuer, kid, algorithm)
            except errors.Unavailable as problem:  # another app's issuer may have made it
                unavailable = problem
                continue
            for key in keys:
                try:
                    claims = _verified(token, key, algorithm, issuer)
                except (exceptions.InvalidSignatureError, exceptions.InvalidKeyError):
                    continue
                except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as problem:
                    wrong = _why(problem)
                    continue
                return User(app=issuer.app, owner=_owner(claims), expires_at=float(claims["exp"]))
        raise unavailable or errors.Unauthenticated(f"This token is not valid: {wrong}.")


def principal(user: User, *, app: str | None, owner: owners.Owner | None) -> owners.Principal:
    """The user as a caller, who may name by header only what they are."""
    if app is not None and app != user.app:
        raise errors.Forbidden(f"This token belongs to the app {user.app!r}, not to {app[:80]!r}.")
    if owner is not None and owner != user.owner:
        raise errors.Forbidden("A user acts for nobody else; leave the header Ambrotype-Owner away.")
    return owners.Principal(role="user", app=user.app, owner=user.owner)


def _header(token: str) -> tuple[str | None, str]:
    if len(token) > MOST:
        raise errors.Unauthenticated(f"This token is longer than {MOST} characters.")
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise errors.Unauthenticated(
            "This token is not known here: it is neither an API key (amb_…), nor a guest's (gst_…), nor a JWT."
        ) from None
    algorithm = header.get("alg")
    if algorithm not in ("HS256", *jwks.ALGORITHMS):
        raise errors.Unauthenticated(f"This token is not valid: the algorithm {str(algorithm)[:20]!r} is not taken.")
    return header.get("kid"), algorithm


async def _keys(issuer: Issuer, kid: str | None, algorithm: str) -> list[bytes | jwt.PyJWK]:
    if algorithm == "HS256":
        return [issuer.secret] if issuer.secret is not None else []
    return list(await issuer.keys.keys(kid, algorithm)) if issuer.keys is not None else []


def _verified(token: str, key: bytes | jwt.PyJWK, algorithm: str, issuer: Issuer) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        leeway=LEEWAY,
        issuer=issuer.issuer,
        options={"require": ["exp", "sub"], "verify_aud": False},
    )
    told = claims.get("aud")
    found = {told} if isinstance(told, str) else {one for one in told or () if isinstance(one, str)}
    if told is None and not issuer.audiences and algorithm == "HS256":
        return claims
    if not found & set(issuer.audiences or (SUPABASE,)):
        raise exceptions.InvalidAudienceError
    return claims


def _owner(claims: Mapping[str, Any]) -> owners.Owner:
    try:
        return owners.parse(f"user:{claims['sub']}")
    except errors.InvalidRequest:
        raise errors.Unauthenticated(
            "This token is not valid: its subject must be 1 to 255 printable characters."
        ) from None


def _why(problem: Exception) -> str:
    for kind, why in _WHY.items():
        if isinstance(problem, kind):
            return why
    return "it can't be read"


_WHY: Mapping[type[Exception], str] = {
    exceptions.ExpiredSignatureError: "it has run out; sign in again",
    exceptions.ImmatureSignatureError: "it does not hold yet",
    exceptions.InvalidAudienceError: "it was made for another audience",
    exceptions.InvalidIssuerError: "it is another issuer's",
    exceptions.MissingRequiredClaimError: "it must say who it is of (sub) and when it ends (exp)",
    exceptions.InvalidSubjectError: "its subject must be 1 to 255 printable characters",
}
