"""URLs of a provider's API: put together from parts that callers name, and those that the provider names, if they are its own."""

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ambrotype.core import links
from ambrotype.providers import contract, replies

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:@~=,+-]{0,199}")


def base(config: contract.Config, default: str, *, path: str = "") -> str:
    """Where the API begins. A base URL that is a bare origin gets the vendor's `path`, as their SDKs add it too."""
    url = (config.base_url or default).rstrip("/")
    link = links.parse(url)
    return f"{url}{path}" if link and link.path == "/" else url


def origin(url: str) -> str | None:
    """Scheme, host and port; None where it is no http(s) URL, or holds a user name."""
    link = links.parse(url)
    return f"{link.scheme}://{link.authority}" if link and link.userinfo is None else None


def at_home(url: object, base_url: str) -> str | None:
    """The URL where it is of the base URL's origin: what a reply names elsewhere is never asked."""
    if not isinstance(url, str) or any(char.isspace() for char in url):
        return None
    return url if origin(url) is not None and origin(url) == origin(base_url) else None


def homely(values: Mapping[str, Any], base_url: str) -> dict[str, str]:
    """Those of the values that are URLs of the base URL's origin: a handle."""
    return {key: url for key, value in values.items() if (url := at_home(value, base_url))}


def model_path(model: str, *, least: int = 1) -> str:
    """A model's name as a path. Raises `contract.Refused` where it is none: it could lead to another call."""
    segments = model.strip("/").split("/")
    if len(segments) < least or len(model) > 300 or not all(_SEGMENT.fullmatch(part) for part in segments):
        form = "owner/name" if least > 1 else "letters, digits and . _ - : @ ~ = , + /"
        raise refused(f"{model[:100]!r} is not the name of a model: it is written as {form}.")
    return "/".join(segments)


def id_path(job_id: str) -> str:
    """A job's id as one segment of a path. Raises `contract.Refused` where it can't be one."""
    if not job_id or len(job_id) > replies.MOST_ID or job_id in (".", "..") or not job_id.isprintable():
        raise refused(f"{job_id[:100]!r} is not the id of a job.")
    return urllib.parse.quote(job_id, safe="")


def refused(detail: str, *, code: str = "invalid_request") -> contract.Refused:
    """For what is wrong before anything is asked."""
    return contract.Refused(contract.Failure(code=code, detail=detail))
