"""From errors to `application/problem+json` (RFC 9457): the one table of statuses, and the words."""

import http
from collections.abc import Iterable, Mapping
from typing import Any

import fastapi
import orjson
import structlog
from fastapi import exceptions
from starlette import exceptions as starlette_exceptions

from ambrotype.capture import request as request_
from ambrotype.core import errors
from ambrotype.delivery import asgi

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.AmbrotypeError], int] = {
    errors.InvalidRequest: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Conflict: 409,
    errors.Locked: 423,
    errors.ChecksumMismatch: 460,
    errors.WrongContentType: 415,
    errors.InUse: 409,
    errors.IdempotencyConflict: 409,
    errors.QuotaExceeded: 403,
    errors.RateLimited: 429,
    errors.OwnerRequired: 400,
    errors.PreconditionFailed: 412,
    errors.RangeNotSatisfiable: 416,
    errors.InvalidSignature: 403,
    errors.ForgedWebhook: 401,
    errors.NotSupported: 501,
    errors.MethodNotAllowed: 405,
    errors.PublicUrlRequired: 409,
    errors.Unavailable: 503,
    errors.InvalidSetting: 503,
    errors.StoreUnavailable: 503,
    errors.TooLarge: 413,
    errors.CaptureFailed: 422,
    errors.AmbrotypeError: 500,
}
"""The nearest class decides. A source's own failures never become a status: they are told in the item's `lost`."""

_TITLES = {460: "Checksum Mismatch"}
"""Of statuses that HTTP itself does not know; this one is of the TUS protocol."""

log = structlog.get_logger("ambrotype.api")


def status_of(error: errors.AmbrotypeError) -> int:
    """The HTTP status of an error."""
    return _status(type(error))


def status_of_code(code: str) -> int:
    """The HTTP status of an error that was written down."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AmbrotypeError)
    ]
    return next((_status(kind) for kind in reversed(kinds) if kind.code == code), 500)


def _status(kind: type[errors.AmbrotypeError]) -> int:
    return next(STATUS[one] for one in kind.__mro__ if one in STATUS)


def problem(code: str, status: int, detail: str, problems: Iterable[dict[str, str]] | None = None) -> dict[str, Any]:
    """The problem object."""
    body: dict[str, Any] = {
        "type": f"/docs/errors#{code}",
        "title": _TITLES.get(status) or http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if problems is not None:
        body["errors"] = list(problems)
    return body


def problem_of(error: errors.AmbrotypeError) -> dict[str, Any]:
    """The problem object of an error."""
    problems = error.problems if isinstance(error, errors.InvalidRequest) else ()
    pointed = [{"pointer": pointer, "message": message} for pointer, message in problems]
    return problem(error.code, status_of(error), error.detail, pointed or None)


def _response(body: dict[str, Any], headers: dict[str, str] | None = None) -> fastapi.Response:
    return fastapi.Response(
        orjson.dumps(body),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def headers_of(error: errors.AmbrotypeError) -> dict[str, str]:
    """What goes with the status."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="ambrotype"'}
    if status_of(error) in (429, 503) or error.retry_after is not None:
        return {"Retry-After": str(max(1, round(error.retry_after or 5)))}
    return {}


async def send(error: errors.AmbrotypeError, scope: asgi.Scope, send: asgi.Send, headers: asgi.Headers) -> int:
    """Answers a raw ASGI request with a problem; the body is left out for HEAD."""
    body = problem_of(error)
    content = orjson.dumps(body)
    own = {
        "content-type": MEDIA_TYPE,
        "cache-control": "no-store",
        "content-length": str(len(content)),
        **headers_of(error),
    }
    named = {name.lower() for name, _ in headers}
    every = [
        *headers,
        *((name.lower().encode(), value.encode()) for name, value in own.items() if name.lower().encode() not in named),
    ]
    await send({"type": "http.response.start", "status": body["status"], "headers": every})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
    return int(body["status"])


def install(app: fastapi.FastAPI) -> None:
    """Makes every failure of a route a problem; what nobody expected, `requests.Requests` answers."""

    @app.exception_handler(errors.AmbrotypeError)
    async def ours(request: fastapi.Request, error: errors.AmbrotypeError) -> fastapi.Response:
        if status_of(error) >= 500 and not isinstance(error, (errors.NotSupported, errors.Unavailable)):
            log.error("request failed", code=error.code, detail=error.detail)
        return _response(problem_of(error), headers_of(error))

    @app.exception_handler(exceptions.RequestValidationError)
    async def unprocessable(request: fastapi.Request, error: exceptions.RequestValidationError) -> fastapi.Response:
        found = [(request_.pointer(_within(one)), request_.message(one)) for one in error.errors()[:50]]
        return _response(problem_of(request_.invalid(found)))

    @app.exception_handler(starlette_exceptions.HTTPException)
    async def plain(request: fastapi.Request, error: starlette_exceptions.HTTPException) -> fastapi.Response:
        codes = {
            404: "not_found",
            405: "not_supported",
            413: "too_large",
            401: "unauthenticated",
            403: "forbidden",
        }
        if error.status_code == 400:  # FastAPI's word for a body that it can't read
            return _response(problem_of(errors.InvalidRequest("The body can't be read as JSON of moderate depth.")))
        code = codes.get(error.status_code, "invalid_request")
        detail = (
            f"There is no {request.method} {request.url.path} here."
            if error.status_code in (404, 405)
            else str(error.detail)
        )
        return _response(problem(code, error.status_code, detail), dict(error.headers or {}))


def _within(one: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Into the body, or the parameter's name."""
    location: tuple[int | str, ...] = one["loc"]
    if one["type"] == "json_invalid":  # a place in the text, and not in what it says
        return ()
    return location[1:] if location and location[0] in ("body", "query", "path", "header") else location
