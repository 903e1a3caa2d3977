"""From `application/problem+json` back to the errors of `core/errors.py`, by their code."""

import contextlib
from collections.abc import Mapping
from typing import Any

import orjson

from ambrotype.core import errors

_BY_STATUS: dict[int, type[errors.AmbrotypeError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    413: errors.TooLarge,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}
"""For answers of something else than Ambrotype: a proxy in front of it, or another server."""


def _classes(root: type[errors.AmbrotypeError]) -> dict[str, type[errors.AmbrotypeError]]:
    found = {root.code: root} if "code" in vars(root) else {}
    for one in root.__subclasses__():
        found |= _classes(one)
    return found


def error_of(status: int, body: bytes, *, retry_after: float | None, where: str) -> errors.AmbrotypeError:
    """The error that an answer stands for; `where` names the request without its query."""
    document: Any = None
    with contextlib.suppress(orjson.JSONDecodeError):
        document = orjson.loads(body)
    if isinstance(document, dict) and isinstance(document.get("code"), str):
        return of_document(document, retry_after=retry_after)
    error = _BY_STATUS.get(status, errors.AmbrotypeError)(f"{where} answered {status}, not as Ambrotype does.")
    return _told(error, status=status, retry_after=retry_after)


def of_document(document: Mapping[str, Any], *, retry_after: float | None = None) -> errors.AmbrotypeError:
    """The error of a problem object. A code that this version does not know makes an `AmbrotypeError` with it."""
    code, detail = document["code"], str(document.get("detail") or document["code"])
    kind = _classes(errors.AmbrotypeError).get(code, errors.AmbrotypeError)
    if kind is errors.InvalidRequest:
        fields = document.get("errors") or []
        pointed = [(str(one["pointer"]), str(one["message"])) for one in fields if {"pointer", "message"} <= {*one}]
        error: errors.AmbrotypeError = errors.InvalidRequest(detail, problems=pointed)
    else:
        error = kind(detail)
        error.code = code
    status = document.get("status")
    return _told(error, status=status if isinstance(status, int) else 0, retry_after=retry_after)


def _told(error: errors.AmbrotypeError, *, status: int, retry_after: float | None) -> errors.AmbrotypeError:
    error.retry_after = retry_after
    if status == 429 or retry_after is not None:
        error.retryable = True
    return error
