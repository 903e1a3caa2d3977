"""When a URL dies: read from the URL, told by the provider, or assumed from the provider's policy; and by
which rule.

All signals are collected and the earliest counts. A policy counts only where there is no signal at all. Cache
headers (`Cache-Control`, `Expires`) say how fresh a copy is, not how long the object lives, and are never a
signal.
"""

import dataclasses
import datetime
import re
import types
from collections.abc import Iterator, Mapping

from ambrotype.core import links, moments, schemes

HOUR, DAY = 3_600, 86_400
NEVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)
"""What to give as `told` where the provider says outright that the object does not expire."""
EARLIEST = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)
TEN_YEARS = 3_652 * DAY
GENERIC = ("expires", "expiry", "exp", "e", "valid_until", "expire_at")
"""Parameters that mostly mean an expiry, where no scheme says so."""

POLICY: Mapping[str, int] = types.MappingProxyType(
    {
        "replicate": HOUR,
        "openai": HOUR,
        "ark": DAY,
        "byteplus": DAY,
        "runway": DAY,
        "wavespeed": DAY,
        "shotstack": DAY,
        "veo": 2 * DAY,
        "bria": 3 * DAY,
        "fal": 7 * DAY,
        "higgsfield": 7 * DAY,
        "creatomate": 30 * DAY,
        "unknown": HOUR,
    }
)
"""Provider → seconds from the job's completion, by the providers' documents; Runway's is the lower bound of
its range, WaveSpeed names none (7 days are said; a day is safe), fal's is a setting of the account."""

HOSTS: Mapping[str, str] = {
    "fal.media": "fal",
    "replicate.delivery": "replicate",
    "volces.com": "ark",
    "bytepluses.com": "ark",
    "oaidalleapiprodscus.blob.core.windows.net": "openai",
    "dnznrvs05pmza.cloudfront.net": "runway",
    "wavespeed.ai": "wavespeed",
    "d1q70pf5vjeyhc.cloudfront.net": "wavespeed",
    "generativelanguage.googleapis.com": "veo",
    "storage.googleapis.com/falserverless": "fal",
}
"""Where providers serve their outputs: a domain with all below it, or a host and the first segment of its
paths."""

_LIFECYCLE = re.compile(r'expiry-date="([^"]{1,64})"')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When a source dies."""

    at: datetime.datetime | None
    """Aware UTC, possibly in the past; None = never, as the provider says or a policy is set."""
    rule: str
    """What said so: a rule of `schemes.SCHEMES`, `generic:<parameter>`, `told`, `x-amz-expiration` or
    `provider-policy:<provider>`."""
    assumed: bool
    """True where only a policy says so."""


def read(
    url: str,
    *,
    now: datetime.datetime,
    provider: str | None = None,
    told: datetime.datetime | None = None,
    completed_at: datetime.datetime | None = None,
    retention: Mapping[str, int] = POLICY,
) -> Expiry:
    """The earliest of all that is known about this URL's end; never raises, whatever the text.

    `told` is the provider's own `expires_at`, or `NEVER`. `retention` overrides `POLICY`; it counts from
    `completed_at`, else `now`.
    """
    now = moments.utc(now) or EARLIEST
    link = links.parse(url)
    signals = [*_signals(link, now=now)] if link else []
    end = moments.utc(told) if told else None
    if end and end < NEVER:
        signals.append(Expiry(at=end, rule="told", assumed=False))
    if signals:
        return min(signals, key=lambda signal: signal.at or NEVER)
    if end:
        return Expiry(at=None, rule="told", assumed=False)
    completed = moments.utc(completed_at) if completed_at else None
    return _policy(link, provider, min(completed or now, now), {**POLICY, **retention})


def read_header(value: str) -> Expiry | None:
    """What `x-amz-expiration` says: the day on which the bucket's lifecycle rule deletes the object (S3 API
    reference)."""
    found = _LIFECYCLE.search(value[:1024])
    at = moments.http_date(found[1]) if found else None
    return Expiry(at=at, rule="x-amz-expiration", assumed=False) if at else None


def _signals(link: links.Link, *, now: datetime.datetime) -> Iterator[Expiry]:
    """In the order of the table, so that of two equal times the more specific rule is named."""
    for scheme in schemes.detect(link):
        for at in scheme.read(link):
            if at:
                yield Expiry(at=at, rule=scheme.rule, assumed=False)
    horizon = moments.after(now, seconds=TEN_YEARS) or NEVER
    for pair in link.pairs:
        if pair.name in GENERIC and len(pair.value) in {10, 13}:
            at = moments.epoch(pair.value)
            if at and EARLIEST < at < horizon:
                yield Expiry(at=at, rule=f"generic:{pair.name}", assumed=False)


def _policy(
    link: links.Link | None, provider: str | None, start: datetime.datetime, retention: Mapping[str, int]
) -> Expiry:
    """The shorter of what holds for the provider and for the host."""
    named = [(provider or "").strip().lower(), _provider(link) if link else None]
    known = [name for name in named if name and name in retention]
    name = min(known, key=lambda name: retention[name], default="unknown")
    at = moments.after(start, seconds=retention[name])
    return Expiry(at=at, rule=f"provider-policy:{name}", assumed=True)


def _provider(link: links.Link) -> str | None:
    for place, provider in HOSTS.items():
        domain, _, folder = place.partition("/")
        if link.within(domain) and (not folder or link.path.startswith(f"/{folder}/")):
            return provider
    return None
