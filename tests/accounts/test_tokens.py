"""A user's token is taken when its issuer made it, for us, for now, with an algorithm of the issuer's kind of key."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from ambrotype.accounts import jwks, tokens
from ambrotype.core import errors, owners
from tests.accounts import issuers

SECRET = issuers.SECRET.encode()


@pytest.fixture
async def pair() -> issuers.Pair:
    return issuers.Pair("k1")


@pytest.fixture
async def site(pair: issuers.Pair) -> AsyncIterator[issuers.Published]:
    async with issuers.published(pair) as found:
        yield found


@pytest.fixture
async def keys(site: issuers.Published) -> AsyncIterator[jwks.Jwks]:
    made = jwks.Jwks(site.url, again=0)
    yield made
    await made.close()


def secret_only(**fields: Any) -> tokens.Tokens:
    return tokens.Tokens([tokens.Issuer(app="default", secret=SECRET, **fields)])


async def test_a_supabase_token_is_its_user_as_it_is() -> None:
    user = await secret_only().user(issuers.token())
    assert (user.app, str(user.owner)) == ("default", "user:7c9f2a1e-0d5b-4f0e-9a57-8d7f3f5f2b11")


def unsigned(algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, issuers.claims())
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts) + "."


def longer_by_hand() -> str:
    """Signed by nobody: the claims of a true token were changed behind its signature."""
    head, _, signature = issuers.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(issuers.claims(sub="admin")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def ends_at(seconds: float) -> Callable[[], str]:
    return lambda: issuers.token(exp=int(time.time() + seconds))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: unsigned("none"), "algorithm 'none'"),
        (lambda: unsigned("None"), "algorithm 'None'"),
        (lambda: unsigned("HS256"), "nobody"),
        (longer_by_hand, "nobody"),
        (lambda: issuers.token("x" * 40), "nobody"),
        (lambda: issuers.token(SECRET.decode() * 2, algorithm="HS512"), "algorithm 'HS512'"),
        (lambda: issuers.token(aud="somebody-else"), "another audience"),
        (lambda: issuers.token(aud=["a", "b"]), "another audience"),
        (lambda: issuers.token(aud=7), "can't be read"),
        (ends_at(-60), "run out"),
        (lambda: issuers.token(exp=None), "must say"),
        (lambda: issuers.token(sub=None), "must say"),
        (lambda: issuers.token(sub=""), "subject"),
        (lambda: issuers.token(sub="x" * 256), "subject"),
        (lambda: issuers.token(sub="a\0b"), "subject"),
        (lambda: issuers.token(nbf=int(time.time()) + 600), "not hold yet"),
        (lambda: issuers.token(iat=int(time.time()) + 600), "not hold yet"),
        (lambda: issuers.token(headers={"crit": ["x"], "x": 1}), "not known here"),
        (lambda: "eyJ" + "a" * tokens.MOST, "longer than"),
        (lambda: "nonsense", "neither an API key"),
        (lambda: "a.b.c", "neither an API key"),
        (lambda: base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.e30", "neither an API key"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said(make: Callable[[], str], says: str) -> None:
    with pytest.raises(errors.Unauthenticated) as caught:
        await secret_only().user(make())
    assert says in caught.value.detail


async def test_a_subject_that_is_no_text_is_refused() -> None:
    body = {**issuers.claims(), "sub": 42}
    made = jwt.api_jws.encode(json.dumps(body).encode(), SECRET, "HS256")
    with pytest.raises(errors.Unauthenticated, match="subject"):
        await secret_only().user(made)


@pytest.mark.parametrize("exp", [float("inf"), float("nan"), "soon", [1], 1e400])
async def test_an_end_that_is_no_time_is_refused(exp: object) -> None:
    made = jwt.api_jws.encode(json.dumps({**issuers.claims(), "exp": exp}).encode(), SECRET, "HS256")
    with pytest.raises(errors.Unauthenticated):
        await secret_only().user(made)


async def test_clocks_may_differ_by_seconds() -> None:
    assert await secret_only().user(ends_at(-3)())


async def test_the_audience_that_is_set_is_asked_for() -> None:
    strict = secret_only(audiences=("gallery", "shop"))
    assert await strict.user(issuers.token(aud=["other", "shop"]))
    for aud in ("authenticated", None):
        with pytest.raises(errors.Unauthenticated, match="audience"):
            await strict.user(issuers.token(aud=aud))


async def test_without_a_setting_a_secrets_token_needs_no_audience_but_a_published_keys_does(
    pair: issuers.Pair, keys: jwks.Jwks
) -> None:
    both = tokens.Tokens([tokens.Issuer(app="default", secret=SECRET, keys=keys)])
    assert await both.user(issuers.token(aud=None))
    assert await both.user(pair.token())
    with pytest.raises(errors.Unauthenticated, match="audience"):
        await both.user(pair.token(aud=None))


async def test_the_issuer_that_is_set_is_asked_for() -> None:
    strict = secret_only(issuer="https://project.supabase.co/auth/v1")
    assert await strict.user(issuers.token())
    for iss in ("https://evil.example.com", None):
        with pytest.raises(errors.Unauthenticated):
            await strict.user(issuers.token(iss=iss))


async def test_the_app_is_that_of_the_issuer_that_made_the_token(pair: issuers.Pair, keys: jwks.Jwks) -> None:
    many = tokens.Tokens(
        [
            tokens.Issuer(app="one", secret=SECRET, issuer="https://one.example.com"),
            tokens.Issuer(app="two", secret=SECRET, issuer="https://two.example.com"),
            tokens.Issuer(app="three", keys=keys),
        ]
    )
    assert (await many.user(issuers.token(iss="https://two.example.com"))).app == "two"
    assert (await many.user(pair.token())).app == "three"
    with pytest.raises(errors.Unauthenticated):
        await many.user(issuers.token(iss="https://three.example.com"))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
async def test_tokens_of_published_keys_are_taken(algorithm: str) -> None:
    made = issuers.Pair("k", algorithm)
    async with issuers.published(made) as site:
        found = jwks.Jwks(site.url)
        user = await tokens.Tokens([tokens.Issuer(app="default", keys=found)]).user(made.token())
        assert user.owner.kind == "user"
        await found.close()


async def test_a_public_key_never_serves_as_a_secret(pair: issuers.Pair, keys: jwks.Jwks) -> None:
    pem = pair.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = ({"alg": "HS256", "kid": "k1"}, issuers.claims())
    told = b".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    forged = [
        (told + b"." + base64.urlsafe_b64encode(hmac.digest(key, told, "sha256")).rstrip(b"=")).decode()
        for key in (pem, pem.strip(), json.dumps(pair.jwk()).encode(), b"")
    ]
    for issuer in (
        tokens.Issuer(app="default", keys=keys),
        tokens.Issuer(app="default", keys=keys, secret=SECRET),
    ):
        for one in forged:
            with pytest.raises(errors.Unauthenticated):
                await tokens.Tokens([issuer]).user(one)


async def test_a_secret_in_a_key_set_signs_nothing() -> None:
    octets = {"kty": "oct", "kid": "s", "alg": "HS256", "k": base64.urlsafe_b64encode(SECRET).decode().rstrip("=")}
    assert jwks.usable([octets]) == ()


async def test_keys_for_other_ends_and_short_ones_are_passed_over(pair: issuers.Pair) -> None:
    short = issuers.Pair("short", "RS256", bits=1024)
    rubbish: list[Any] = [pair.jwk(use="enc"), short.jwk(), {"kty": "EC"}, {"kty": "?"}, {}, "x", None, pair.jwk(x="!")]
    assert [key.key_id for key in jwks.usable([*rubbish, pair.jwk()])] == ["k1"]


async def test_a_new_key_is_looked_up_when_its_first_token_comes(
    pair: issuers.Pair, keys: jwks.Jwks, site: issuers.Published
) -> None:
    users = tokens.Tokens([tokens.Issuer(app="default", keys=keys)])
    await users.user(pair.token())
    await users.user(pair.token())
    assert site.asked == 1
    new = issuers.Pair("k2")
    site.keys = [new.jwk()]
    assert await users.user(new.token())
    assert site.asked == 2
    with pytest.raises(errors.Unauthenticated):
        await users.user(pair.token())


async def test_unknown_keys_do_not_make_the_server_be_asked_each_time(
    pair: issuers.Pair, site: issuers.Published
) -> None:
    found = jwks.Jwks(site.url)
    users = tokens.Tokens([tokens.Issuer(app="default", keys=found)])
    await users.user(pair.token())
    for n in range(20):
        with pytest.raises(errors.Unauthenticated):
            await users.user(issuers.Pair(f"unknown-{n}").token())
    assert site.asked == 1
    await found.close()


async def test_keys_hold_while_their_server_is_down_and_are_looked_up_anew_after_ten_minutes(
    pair: issuers.Pair, keys: jwks.Jwks, site: issuers.Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = tokens.Tokens([tokens.Issuer(app="default", keys=keys)])
    await users.user(pair.token())
    monkeypatch.setattr(jwks, "HELD", -1)
    for site.down, site.body in ((True, None), (False, b"<html>"), (False, b'{"keys": 7}'), (False, b"[" * 100_000)):
        assert await users.user(pair.token())
    site.body = None
    site.keys = [issuers.Pair("k2").jwk()]
    with pytest.raises(errors.Unauthenticated):
        await users.user(pair.token())


async def test_keys_of_middling_age_are_looked_up_behind_the_requests(
    pair: issuers.Pair, keys: jwks.Jwks, site: issuers.Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = tokens.Tokens([tokens.Issuer(app="default", keys=keys)])
    await users.user(pair.token())
    monkeypatch.setattr(jwks, "FRESH", -1)
    site.keys = [issuers.Pair("k2").jwk()]
    assert await users.user(pair.token())


async def test_while_no_key_was_ever_had_nobody_is_called_wrong(pair: issuers.Pair, site: issuers.Published) -> None:
    site.down = True
    found = jwks.Jwks(site.url, again=0)
    users = tokens.Tokens([tokens.Issuer(app="one", keys=found), tokens.Issuer(app="two", secret=SECRET)])
    with pytest.raises(errors.Unavailable):
        await users.user(pair.token())
    assert (await users.user(issuers.token())).app == "two"
    site.down = False
    assert await users.user(pair.token())
    await found.close()


async def test_a_redirect_to_other_keys_is_not_followed(pair: issuers.Pair) -> None:
    async with issuers.published(pair) as site:
        found = jwks.Jwks(site.url.replace("/.well-known", "//.well-known"), again=0)
        with pytest.raises(errors.Unavailable):
            await tokens.Tokens([tokens.Issuer(app="default", keys=found)]).user(pair.token())
        await found.close()


async def test_a_user_names_nobody_else() -> None:
    user = await secret_only().user(issuers.token(sub="me"))
    assert tokens.principal(user, app="default", owner=owners.parse("user:me")).owner == owners.parse("user:me")
    for named in ({"app": None, "owner": owners.parse("user:you")}, {"app": "other", "owner": None}):
        with pytest.raises(errors.Forbidden):
            tokens.principal(user, **named)  # type: ignore[arg-type]
