"""How signed URLs say when they die, and which of their parameters are nothing but the signature.

`SCHEMES` is the list: one entry a scheme, the more specific ones first. Adding a scheme is adding an entry.
`needs` and `applies` tell where it is at work; `read` finds the times; `signature` says what the identity of
the object keeps of each parameter (mostly nothing), and `trusted` where that is certain: two different
objects must never look the same, so a scheme whose names are everyday words is trusted on its own hosts only,
and one without `signature` nowhere.

Sources: the providers' documents on signed URLs (AWS S3 and CloudFront, Azure SAS, Google Cloud Storage and
CDN, Volcengine TOS, Alibaba OSS, Tencent COS, Supabase Storage, Mux, Bunny, Cloudflare Images, Akamai).
"""

import dataclasses
import datetime
import json
from collections.abc import Callable, Iterable, Mapping

from ambrotype.core import links, moments

Read = Callable[[links.Link], Iterable[datetime.datetime | None]]
Keep = Callable[[links.Link, links.Pair], str]
"""What of a parameter belongs to the identity of the object; empty for nothing."""
WEEK = 604_800
"""Seconds; the longest life of a SigV4 URL."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One way to sign a URL."""

    rule: str
    needs: frozenset[str]
    """Lower-case names of parameters that must all be there."""
    read: Read
    """Every expiry that the URL names; None for one that can't be read."""
    signature: Mapping[str, Keep] = dataclasses.field(default_factory=dict)
    """By the parameter's exact spelling, since a server may tell `Signature` from a parameter `signature` of
    its own."""
    applies: Callable[[links.Link], bool] = lambda link: True
    trusted: Callable[[links.Link], bool] = lambda link: True


def detect(link: links.Link) -> list[Scheme]:
    """The schemes at work in this URL."""
    names = {pair.name for pair in link.pairs}
    return [scheme for scheme in SCHEMES if scheme.needs <= names and scheme.applies(link)]


def signature(link: links.Link) -> dict[str, Keep]:
    """The parameters of this URL's query that are signature beyond doubt, by their exact spelling."""
    labels = {pair.label for pair in link.query or ()}
    found: dict[str, Keep] = {}
    for scheme in SCHEMES:
        own = scheme.signature.keys() & labels
        if own and scheme.needs <= {label.lower() for label in own} and scheme.applies(link) and scheme.trusted(link):
            found.update({label: scheme.signature[label] for label in own})
    return found


# What `read` can be made of.


def _at(name: str) -> Read:
    """The parameter is the expiry, since 1970."""
    return lambda link: map(moments.epoch, link.values(name))


def _issued(date: str, lifetime: str, *, most: int | None = None) -> Read:
    """A date of issue and seconds of life, cut at `most`; of repeated ones the earliest and the shortest."""

    def read(link: links.Link) -> Iterable[datetime.datetime | None]:
        issued = [moment for text in link.values(date) if (moment := moments.compact(text))]
        lives = [life for text in link.values(lifetime) if (life := moments.number(text)) is not None]
        if not issued or not lives:
            return []
        return [moments.after(min(issued), seconds=min(lives) if most is None else min(*lives, most))]

    return read


def _jwt(*names: str) -> Read:
    def read(link: links.Link) -> Iterable[datetime.datetime | None]:
        return [moments.epoch(claims.get("exp")) for text in link.values(*names) if (claims := moments.claims(text))]

    return read


def _any_jwt(link: links.Link) -> Iterable[datetime.datetime | None]:
    """Whatever value or segment of the path is a token with an `exp`."""
    texts = [*(pair.value for pair in link.pairs), *link.segments]
    return [moments.epoch(claims.get("exp")) for text in texts if (claims := moments.claims(text))]


def _azure(link: links.Link) -> Iterable[datetime.datetime | None]:
    """The signature's own end, and that of the key which a user delegation signs with."""
    return map(moments.iso, link.values("se", "ske"))


def _tencent(link: links.Link) -> Iterable[datetime.datetime | None]:
    """`start;end`."""
    return [moments.epoch(text.partition(";")[2]) for text in link.values("q-sign-time", "q-key-time")]


def _cloudfront_policy(link: links.Link) -> Iterable[datetime.datetime | None]:
    """`DateLessThan` of each statement; the alphabet is CloudFront's own: `-` is `+`, `_` is `=`, `~` is
    `/`."""
    for text in link.values("policy"):
        policy = moments.document(text.translate(CLOUDFRONT))
        statements = policy.get("Statement") if isinstance(policy, dict) else None
        for statement in statements if isinstance(statements, list) else [statements]:
            yield moments.epoch(_dig(statement, "Condition", "DateLessThan", "AWS:EpochTime"))


def _dig(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _akamai(link: links.Link) -> Iterable[datetime.datetime | None]:
    """`st=…~exp=…~acl=…~hmac=…`."""
    for text in link.values(*AKAMAI):
        for field in text.split("~", 16):
            name, _, value = field.partition("=")
            if name == "exp":
                yield moments.epoch(value)


# What `signature` can be made of.


def _nothing(_link: links.Link, _pair: links.Pair) -> str:
    return ""


def _dropped(*names: str) -> dict[str, Keep]:
    return dict.fromkeys(names, _nothing)


def _account(link: links.Link, pair: links.Pair) -> str:
    """Nothing where bucket names are unique at the host; else the access key, as in Ceph and Swift each
    account has a namespace of its own behind the same path."""
    return "" if link.within(*ONE_NAMESPACE) else pair.value.partition("/")[0]


def _claims(_link: links.Link, pair: links.Pair) -> str:
    """A token without its times and number: its other claims may choose what is shown (Supabase's
    transformations, Mux's thumbnail time). What can't be read stays whole."""
    claims = moments.claims(pair.value)
    if claims is None:
        return pair.raw
    return json.dumps({k: v for k, v in claims.items() if k not in {"exp", "iat", "nbf", "jti"}}, sort_keys=True)


def _akamai_fields(_link: links.Link, pair: links.Pair) -> str:
    """The token's fields that are neither time, viewer nor signature."""
    spent = {"st", "exp", "hmac", "id", "ip"}
    return "~".join(field for field in pair.value.split("~") if field.partition("=")[0] not in spent)


def _on(*domains: str) -> Callable[[links.Link], bool]:
    return lambda link: link.within(*domains)


def _azure_for_sure(link: links.Link) -> bool:
    """A SAS always names its version, and rights or a stored policy."""
    return bool(link.values("sv") and link.values("sp", "si"))


def _supabase(link: links.Link) -> bool:
    return "/storage/v1/object/sign/" in link.path or "/storage/v1/render/image/sign/" in link.path


ONE_NAMESPACE = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "backblazeb2.com",
    "digitaloceanspaces.com",
    "r2.cloudflarestorage.com",
    "storage.googleapis.com",
    "wasabisys.com",
)
CLOUDFRONT = str.maketrans("-_~", "+=/")
AKAMAI = ("hdnts", "hdnea", "hdntl", "__token__")

SCHEMES: tuple[Scheme, ...] = (
    Scheme(
        rule="s3-sigv4",
        needs=frozenset({"x-amz-date", "x-amz-expires"}),
        read=_issued("x-amz-date", "x-amz-expires", most=WEEK),
        signature={
            "X-Amz-Credential": _account,
            **_dropped(
                *("X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"),
                *("X-Amz-Signature", "X-Amz-Security-Token"),
            ),
        },
    ),
    Scheme(
        rule="s3-sigv2",
        needs=frozenset({"awsaccesskeyid", "signature", "expires"}),
        read=_at("expires"),
        signature={
            "AWSAccessKeyId": _account,
            **_dropped("Signature", "Expires", "X-Amz-Security-Token"),
        },
    ),
    Scheme(
        rule="cloudfront-policy",
        needs=frozenset({"policy", "signature", "key-pair-id"}),
        read=_cloudfront_policy,
        signature=_dropped("Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"),
    ),
    Scheme(
        rule="cloudfront-canned",
        needs=frozenset({"expires", "signature", "key-pair-id"}),
        read=_at("expires"),
        signature=_dropped("Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"),
    ),
    Scheme(
        rule="azure-sas",
        needs=frozenset({"sig", "se"}),
        read=_azure,
        signature=_dropped(
            *("sv", "ss", "srt", "sr", "st", "se", "sp", "spr", "sip", "si", "sig", "ses", "sdd", "scid"),
            *("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid"),
        ),
        trusted=_azure_for_sure,
    ),
    Scheme(
        rule="gcs-v4",
        needs=frozenset({"x-goog-date", "x-goog-expires"}),
        read=_issued("x-goog-date", "x-goog-expires"),
        signature=_dropped(
            *("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires"),
            *("X-Goog-SignedHeaders", "X-Goog-Signature"),
        ),
    ),
    Scheme(
        rule="gcs-v2",
        needs=frozenset({"googleaccessid", "expires"}),
        read=_at("expires"),
        signature=_dropped("GoogleAccessId", "Expires", "Signature"),
    ),
    Scheme(
        rule="tos",
        needs=frozenset({"x-tos-date", "x-tos-expires"}),
        read=_issued("x-tos-date", "x-tos-expires"),
        signature=_dropped(
            *("X-Tos-Algorithm", "X-Tos-Credential", "X-Tos-Date", "X-Tos-Expires"),
            *("X-Tos-SignedHeaders", "X-Tos-Signature", "X-Tos-Security-Token"),
        ),
    ),
    Scheme(
        rule="oss-v4",
        needs=frozenset({"x-oss-date", "x-oss-expires"}),
        read=_issued("x-oss-date", "x-oss-expires"),
        signature=_dropped(
            *("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires"),
            *("x-oss-additional-headers", "x-oss-signature", "x-oss-security-token"),
        ),
    ),
    Scheme(
        rule="oss-v1",
        needs=frozenset({"ossaccesskeyid", "expires"}),
        read=_at("expires"),
        signature=_dropped("OSSAccessKeyId", "Expires", "Signature", "security-token"),
    ),
    Scheme(
        rule="tencent-cos",
        needs=frozenset({"q-sign-time"}),
        read=_tencent,
        signature=_dropped(
            *("q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list"),
            *("q-signature", "x-cos-security-token"),
        ),
    ),
    Scheme(
        rule="supabase",
        needs=frozenset({"token"}),
        read=_jwt("token"),
        signature={"token": _claims},
        applies=_supabase,
    ),
    Scheme(rule="runway", needs=frozenset({"_jwt"}), read=_jwt("_jwt"), signature={"_jwt": _claims}),
    Scheme(
        rule="mux",
        needs=frozenset({"token"}),
        read=_jwt("token"),
        signature={"token": _claims},
        applies=_on("mux.com"),
    ),
    Scheme(
        rule="akamai",
        needs=frozenset(),
        read=_akamai,
        signature=dict.fromkeys(AKAMAI, _akamai_fields),
        applies=lambda link: any("hmac=" in value for value in link.values(*AKAMAI)),
    ),
    Scheme(
        rule="bunny",
        needs=frozenset({"token", "expires"}),
        read=_at("expires"),
        signature=_dropped("token", "expires", "token_path", "token_countries", "token_countries_blocked"),
        trusted=_on("b-cdn.net"),
    ),
    Scheme(rule="bunny", needs=frozenset({"bcdn_token", "expires"}), read=_at("expires")),
    Scheme(
        rule="cloudflare-images",
        needs=frozenset({"exp", "sig"}),
        read=_at("exp"),
        signature=_dropped("exp", "sig"),
        trusted=_on("imagedelivery.net"),
    ),
    Scheme(
        rule="google-cdn",
        needs=frozenset({"expires", "keyname", "signature"}),
        read=_at("expires"),
        signature=_dropped("URLPrefix", "Expires", "KeyName", "Signature"),
    ),
    Scheme(
        rule="discord",
        needs=frozenset({"ex", "is", "hm"}),
        read=lambda link: map(moments.hexadecimal, link.values("ex")),
        signature=_dropped("ex", "is", "hm"),
        trusted=_on("discordapp.com", "discordapp.net"),
    ),
    Scheme(rule="jwt", needs=frozenset(), read=_any_jwt),
)
