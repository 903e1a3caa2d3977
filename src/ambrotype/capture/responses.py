"""What a source's answer means: one of our errors for each way of refusing, or what it announces.

Sentences name the host and never the URL, whose query may be a signature.
"""

import dataclasses
import datetime
import email.message
import email.utils
import re
from collections.abc import Mapping

import aiohttp

from ambrotype.capture import digests, encoding
from ambrotype.core import errors

BODY = 64 * 1024
"""Bytes of a refusal that are read to learn why."""

RETRY_AFTER = 3600.0
"""The longest wait in seconds that a source may ask for; capture deadlines are often nearer than that."""

_PASSING = {202, 408, 425, 429}
_GONE = {404, 410}
_DENIED = {400, 401, 403}

# S3, TOS, OSS and COS ("Request has expired"), S3 and GCS (ExpiredToken, "token has expired", "signature
# expired at"), OSS (SecurityTokenExpired), Azure ("Signature not valid in the specified time frame"),
# Supabase ("jwt expired", "exp" claim), CDNs ("URL expired", "link has expired"). CloudFront does not say:
# there the known expiry decides.
_EXPIRED = re.compile(
    rb"expired ?token|token ?expired|signature not valid in the specified time frame|\"exp\\?\" claim|"
    rb"\b(?:request|url|link|token|jwt|signature|policy|sas)\b[^<>{}\n]{0,40}?\b(?:has |is |was )?expired\b|"
    rb"\bexpired (?:url|link|token|jwt|signature|policy|sas|request)\b"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Announced:
    """What an answer says about the file before its bytes have come. All of it is a claim."""

    host: str
    """The host that answered, after redirects."""
    content_type: str | None
    """Lower case, without parameters."""
    length: int | None
    """Bytes; None where it is unknown or counts encoded bytes."""
    digests: tuple[digests.Digest, ...]
    """Those that apply to the bytes handed on."""
    file_name: str | None
    """From Content-Disposition: without folders and control characters, at most 255 characters. Untrusted."""
    expiry_headers: Mapping[str, str]
    """Headers that tell when the object itself will be deleted (`x-amz-expiration`), lower-case names."""


def announced(response: aiohttp.ClientResponse, host: str) -> Announced:
    """Reads a 200. `errors.NotMedia` for a content coding that can't be undone."""
    headers = response.headers
    undone = encoding.coding(headers.get("Content-Encoding"), host) is not None
    kind = headers.get("Content-Type", "").split(";")[0].strip().lower()
    expiration = headers.get("x-amz-expiration")
    return Announced(
        host=host,
        content_type=kind or None,
        length=None if undone else response.content_length,
        digests=digests.announced(headers, undone=undone),
        file_name=_file_name(headers.get("Content-Disposition")),
        expiry_headers={"x-amz-expiration": expiration} if expiration else {},
    )


async def refusal(
    response: aiohttp.ClientResponse,
    host: str,
    *,
    expires_at: datetime.datetime | None,
    now: datetime.datetime,
) -> errors.CaptureFailed:
    """The error for an answer that is not a file. Reads at most 64 KiB of its body.

    400, 401 and 403 are `SourceExpired` where the body says so (GCS, S3 and Supabase use 400 for that);
    these, 404 and 410 also where `expires_at` has passed.
    """
    status = response.status
    if status in _PASSING or status >= 500:
        return errors.SourceUnreachable(
            f"{host} answered {status} instead of the file.",
            retry_after=_retry_after(response.headers.get("Retry-After"), now),
        )
    if status in _DENIED | _GONE and expires_at is not None and expires_at <= now:
        return errors.SourceExpired(
            f"{host} answered {status}, and the URL ran out at {expires_at:%Y-%m-%d %H:%M:%SZ}."
        )
    if status in _GONE:
        return errors.SourceNotFound(f"{host} answered {status}: the file is not there.")
    if status in _DENIED and _EXPIRED.search((await _beginning(response)).lower()):
        return errors.SourceExpired(f"{host} answered {status} and says that the URL has expired.")
    if 400 <= status < 500:
        return errors.SourceForbidden(f"{host} refused the request with {status}.")
    if status in (204, 205):
        return errors.NotMedia(f"{host} answered {status}: there is no file.")
    return errors.SourceUnreachable(f"{host} answered {status}, which is no answer to a plain request for a file.")


def failure(error: BaseException, host: str) -> errors.CaptureFailed:
    """The error for a connection that could not be made, or an answer that is not HTTP."""
    if isinstance(error, aiohttp.InvalidURL):
        return errors.InvalidUrl(f"The URL at {host} can't be requested.")
    return errors.SourceUnreachable(_what_failed(error, host))


def _what_failed(error: BaseException, host: str) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "it does not match the host"
            return f"The certificate of {host} is not valid: {reason}."
        case aiohttp.ClientConnectorSSLError():
            return f"{host} and this server could not agree on a TLS connection."
        case aiohttp.ClientConnectorDNSError():
            return f"The name {host} could not be resolved."
        case aiohttp.ClientConnectorError():
            return f"{host} could not be connected to: {error.strerror or 'no route'}."
        case aiohttp.ClientResponseError():
            return f"{host} answered with something that is not proper HTTP, or with too large a header."
        case TimeoutError():
            return f"{host} did not answer in time."
        case _:
            return f"{host} broke the connection before it had answered."


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Up to 64 KiB of the body, unpacked; what came where the connection breaks."""
    body = bytearray()
    try:
        while len(body) < BODY and (data := await response.content.read(BODY - len(body))):
            body += data
        if name := encoding.coding(response.headers.get("Content-Encoding"), ""):
            return next(encoding.Undo(name, "").feed(bytes(body)), b"")[:BODY]
    except (aiohttp.ClientError, OSError, errors.CaptureFailed):
        pass
    return bytes(body)


def _retry_after(text: str | None, now: datetime.datetime) -> float | None:
    """Seconds from now (RFC 9110, section 10.2.3), 0 to an hour; None where it is absent or unreadable."""
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return min(float(text), RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return min(max((moment - now).total_seconds(), 0.0), RETRY_AFTER)


def _file_name(header: str | None) -> str | None:
    if not header:
        return None
    message = email.message.Message()
    message["Content-Disposition"] = header.encode("utf-8", "replace").decode()
    try:
        name = message.get_filename() or ""
    except (ValueError, LookupError):
        return None
    name = re.split(r"[/\\]", name)[-1]
    return "".join(filter(str.isprintable, name)).strip()[:255] or None
