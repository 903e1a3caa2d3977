"""Sample URLs of every scheme, with signatures of the right shape: (issue time, seconds of life) → URL."""

import base64
import datetime
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
Make = Callable[[datetime.datetime, int], str]


def compact(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def end(issued: datetime.datetime, ttl: int) -> int:
    return int((issued + datetime.timedelta(seconds=ttl)).timestamp())


def jwt(claims: Mapping[str, Any]) -> str:
    parts = [{"alg": "HS256", "typ": "JWT", "kid": secrets.token_hex(4)}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(32)])


def s3(
    issued: datetime.datetime,
    ttl: int,
    *,
    base: str = "https://bucket.s3.amazonaws.com/a/fox.png",
    account: str = "",
) -> str:
    credential = f"{account or secrets.token_hex(10).upper()}/{compact(issued)[:8]}/us-east-1/s3/aws4_request"
    return (
        f"{base}{'&' if '?' in base else '?'}X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote(credential, safe='')}"
        f"&X-Amz-Date={compact(issued)}&X-Amz-Expires={ttl}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Security-Token={secrets.token_urlsafe(40)}&X-Amz-Signature={secrets.token_hex(32)}"
    )


def sigv2(issued: datetime.datetime, ttl: int) -> str:
    return (
        f"https://bucket.s3.amazonaws.com/a/fox.png?AWSAccessKeyId=AKIA{secrets.token_hex(8).upper()}"
        f"&Expires={end(issued, ttl)}&Signature={quote(secrets.token_urlsafe(20))}%3D"
    )


def cloudfront_canned(issued: datetime.datetime, ttl: int) -> str:
    return (
        f"https://d111111abcdef8.cloudfront.net/fox.png?size=large&Expires={end(issued, ttl)}"
        f"&Signature={secrets.token_urlsafe(90)}&Key-Pair-Id=K{secrets.token_hex(6).upper()}"
    )


def cloudfront_policy(issued: datetime.datetime, ttl: int) -> str:
    condition = {
        "DateLessThan": {"AWS:EpochTime": end(issued, ttl)},
        "IpAddress": {"AWS:SourceIp": "0.0.0.0/0"},
    }
    policy = {"Statement": [{"Resource": "https://d1.cloudfront.net/*?é~", "Condition": condition}]}
    text = base64.b64encode(json.dumps(policy).encode()).decode().translate(str.maketrans("+=/", "-_~"))
    return (
        f"https://d111111abcdef8.cloudfront.net/fox.png?Policy={text}&Signature={secrets.token_urlsafe(90)}"
        "&Key-Pair-Id=KAAA&Hash-Algorithm=SHA256"
    )


def azure(issued: datetime.datetime, ttl: int) -> str:
    last = (issued + datetime.timedelta(seconds=ttl)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        "https://oaidalleapiprodscus.blob.core.windows.net/private/org-1/img-2.png"
        f"?st={quote(issued.strftime('%Y-%m-%dT%H:%M:%SZ'))}&se={quote(last, safe='')}"
        "&sp=r&sv=2024-08-04&sr=b"
        f"&rscd=inline&rsct=image/png&skoid={secrets.token_hex(8)}&sktid=1&sks=b&skv=2024-08-04"
        f"&sig={quote(secrets.token_urlsafe(32), safe='')}%3D"
    )


def azure_delegated(issued: datetime.datetime, ttl: int) -> str:
    key_end = (issued + datetime.timedelta(seconds=ttl)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"https://a.blob.core.windows.net/c/fox.png?sv=2024-08-04&sp=r&se=2031-01-01&ske={key_end}&sig={secrets.token_hex(16)}"


def gcs_v4(issued: datetime.datetime, ttl: int) -> str:
    return (
        "https://storage.googleapis.com/bucket/fox.png?X-Goog-Algorithm=GOOG4-RSA-SHA256"
        f"&X-Goog-Credential=me%40p.iam.gserviceaccount.com%2F{compact(issued)[:8]}%2Fauto%2Fstorage%2Fgoog4_request"
        f"&X-Goog-Date={compact(issued)}&X-Goog-Expires={ttl}&X-Goog-SignedHeaders=host&X-Goog-Signature={secrets.token_hex(64)}"
    )


def gcs_v2(issued: datetime.datetime, ttl: int) -> str:
    return (
        "https://storage.googleapis.com/bucket/fox.png?GoogleAccessId=me%40p.iam.gserviceaccount.com"
        f"&Expires={end(issued, ttl)}&Signature={secrets.token_urlsafe(40)}"
    )


def tos(issued: datetime.datetime, ttl: int) -> str:
    return (
        "https://ark-content.tos-ap-southeast-1.bytepluses.com/seedream/fox.png?X-Tos-Algorithm=TOS4-HMAC-SHA256"
        f"&X-Tos-Credential=AK{secrets.token_hex(5)}%2F{compact(issued)[:8]}%2Fap-southeast-1%2Ftos%2Frequest"
        f"&X-Tos-Date={compact(issued)}&X-Tos-Expires={ttl}&X-Tos-Signature={secrets.token_hex(32)}&X-Tos-SignedHeaders=host"
    )


def oss_v4(issued: datetime.datetime, ttl: int) -> str:
    return (
        "https://b.oss-cn-hangzhou.aliyuncs.com/fox.png?x-oss-signature-version=OSS4-HMAC-SHA256"
        f"&x-oss-credential=AK%2F{compact(issued)[:8]}%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date={compact(issued)}"
        f"&x-oss-expires={ttl}&x-oss-signature={secrets.token_hex(32)}"
    )


def oss_v1(issued: datetime.datetime, ttl: int) -> str:
    return (
        f"https://b.oss-cn-hangzhou.aliyuncs.com/fox.png?OSSAccessKeyId=AK{secrets.token_hex(5)}"
        f"&Expires={end(issued, ttl)}&Signature={secrets.token_urlsafe(20)}"
    )


def cos(issued: datetime.datetime, ttl: int) -> str:
    span = f"{int(issued.timestamp())};{end(issued, ttl)}"
    return (
        f"https://b-1250000000.cos.ap-guangzhou.myqcloud.com/fox.png?q-sign-algorithm=sha1&q-ak=AKID{secrets.token_hex(5)}"
        f"&q-sign-time={span}&q-key-time={quote(span)}&q-header-list=host&q-url-param-list=&q-signature={secrets.token_hex(20)}"
    )


def supabase(issued: datetime.datetime, ttl: int, *, transform: str | None = None) -> str:
    claims: dict[str, Any] = {"url": "b/fox.png", "iat": int(issued.timestamp()), "exp": end(issued, ttl)}
    kind = "render/image" if transform else "object"
    token = jwt({**claims, "transformations": transform} if transform else claims)
    return f"https://p.supabase.co/storage/v1/{kind}/sign/b/fox.png?token={token}"


def runway(issued: datetime.datetime, ttl: int) -> str:
    claims = {"keyHash": "0a0b", "bucket": "artifacts", "stage": "prod", "exp": end(issued, ttl)}
    return f"https://dnznrvs05pmza.cloudfront.net/153d6dd9.mp4?_jwt={jwt(claims)}"


def mux(issued: datetime.datetime, ttl: int, *, time: int = 1) -> str:
    claims = {"sub": "PLAYBACK", "aud": "t", "exp": end(issued, ttl), "time": time}
    return f"https://image.mux.com/PLAYBACK/thumbnail.png?token={jwt(claims)}"


def akamai(issued: datetime.datetime, ttl: int) -> str:
    span = f"st={int(issued.timestamp())}~exp={end(issued, ttl)}~acl=/*"
    return f"https://media.example.com/fox.mp4?hdnts={span}~hmac={secrets.token_hex(32)}"


def akamai_path(issued: datetime.datetime, ttl: int) -> str:
    span = f"exp={end(issued, ttl)}~acl=%2f*"
    return f"https://media.example.com/hdntl={span}~hmac={secrets.token_hex(32)}/fox.m3u8"


def bunny(issued: datetime.datetime, ttl: int) -> str:
    return f"https://zone.b-cdn.net/fox.mp4?token={secrets.token_urlsafe(32)}&expires={end(issued, ttl)}"


def bunny_path(issued: datetime.datetime, ttl: int) -> str:
    span = f"expires={end(issued, ttl)}&token_path=%2F"
    return f"https://zone.b-cdn.net/bcdn_token={secrets.token_urlsafe(32)}&{span}/fox.m3u8"


def cloudflare(issued: datetime.datetime, ttl: int) -> str:
    return f"https://imagedelivery.net/acc/img/public?exp={end(issued, ttl)}&sig={secrets.token_hex(32)}"


def google_cdn(issued: datetime.datetime, ttl: int) -> str:
    signature = secrets.token_urlsafe(20)
    return f"https://cdn.example.com/fox.mp4?Expires={end(issued, ttl)}&KeyName=k1&Signature={signature}"


def discord(issued: datetime.datetime, ttl: int) -> str:
    span = f"ex={end(issued, ttl):x}&is={int(issued.timestamp()):x}"
    return f"https://cdn.discordapp.com/attachments/1/2/fox.png?{span}&hm={secrets.token_hex(32)}&width=512"


def any_jwt(issued: datetime.datetime, ttl: int) -> str:
    return f"https://media.example.com/fox.png?grant={jwt({'exp': end(issued, ttl)})}"


def jwt_in_path(issued: datetime.datetime, ttl: int) -> str:
    return f"https://media.example.com/{jwt({'exp': end(issued, ttl)})}/fox.png"


MAKERS: Mapping[str, tuple[str, Make]] = {
    "s3": ("s3-sigv4", s3),
    "sigv2": ("s3-sigv2", sigv2),
    "cloudfront canned": ("cloudfront-canned", cloudfront_canned),
    "cloudfront policy": ("cloudfront-policy", cloudfront_policy),
    "azure": ("azure-sas", azure),
    "azure delegated": ("azure-sas", azure_delegated),
    "gcs v4": ("gcs-v4", gcs_v4),
    "gcs v2": ("gcs-v2", gcs_v2),
    "tos": ("tos", tos),
    "oss v4": ("oss-v4", oss_v4),
    "oss v1": ("oss-v1", oss_v1),
    "cos": ("tencent-cos", cos),
    "supabase": ("supabase", supabase),
    "runway": ("runway", runway),
    "mux": ("mux", mux),
    "akamai": ("akamai", akamai),
    "akamai in the path": ("akamai", akamai_path),
    "bunny": ("bunny", bunny),
    "bunny in the path": ("bunny", bunny_path),
    "cloudflare": ("cloudflare-images", cloudflare),
    "google cdn": ("google-cdn", google_cdn),
    "discord": ("discord", discord),
    "any jwt": ("jwt", any_jwt),
    "jwt in the path": ("jwt", jwt_in_path),
}
