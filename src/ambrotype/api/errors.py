"""From errors to `application/problem+json` (RFC 9457): the one table of statuses, and the words."""

import http
from collections.abc import Iterable
from typing import Any

import fastapi
import orjson
import structlog
from fastapi import exceptions
from starlette import exceptions as starlette_exceptions

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
    errors.IdempotencyConflict: 409,
    errors.OwnerRequired: 400,
    errors.PreconditionFailed: 412,
    errors.RangeNotSatisfiable: 416,
    errors.InvalidSignature: 403,
    errors.NotSupported: 501,
    errors.MethodNotAllowed: 405,
    errors.Unavailable: 503,
    errors.InvalidSetting: 503,
    errors.StoreUnavailable: 503,
    errors.TooLarge: 413,
    errors.CaptureFailed: 422,
    errors.AmbrotypeError: 500,
}
"""The nearest class decides. A source's own failures never become a status: they are told in the item's `lost`."""

log = structlog.get_logger("ambrotype.api")


def status_of(error: errors.AmbrotypeError) -> int:
    """The HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(code: str, status: int, detail: str, problems: Iterable[dict[str, str]] | None = None) -> dict[str, Any]:
    """The problem object."""
    body: dict[str, Any] = {
        "type": f"/docs/errors#{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if problems is not None:
        body["errors"] = list(problems)
    return body


def problem_of(error: errors.AmbrotypeError) -> dict[str, Any]:
    """The problem object of an error."""
    pointer = getattr(error, "pointer", None)
    pointed = [{"pointer": pointer, "message": error.detail}] if pointer else None
    return problem(error.code, status_of(error), error.detail, pointed)


def _response(body: dict[str, Any], headers: dict[str, str] | None = None) -> fastapi.Response:
    return fastapi.Response(
        orjson.dumps(body),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def invalid(found: list[dict[str, str]]) -> dict[str, Any]:
    """The problem of a request with wrong fields, the first of them in its sentence."""
    first = found[0]
    return problem("invalid_request", 422, f"{first['pointer'] or 'The request'}: {first['message']}.", found)


def headers_of(error: errors.AmbrotypeError) -> dict[str, str]:
    """What goes with the status."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="ambrotype"'}
    if status_of(error) in (429, 503):
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
    """Makes every failure of a route a problem."""

    @app.exception_handler(errors.AmbrotypeError)
    async def ours(request: fastapi.Request, error: errors.AmbrotypeError) -> fastapi.Response:
        if status_of(error) >= 500 and not isinstance(error, (errors.NotSupported, errors.Unavailable)):
            log.error("request failed", code=error.code, detail=error.detail)
        return _response(problem_of(error), headers_of(error))

    @app.exception_handler(exceptions.RequestValidationError)
    async def unprocessable(request: fastapi.Request, error: exceptions.RequestValidationError) -> fastapi.Response:
        return _response(
            invalid([{"pointer": pointer(one["loc"]), "message": message(one)} for one in error.errors()[:50]])
        )

    @app.exception_handler(starlette_exceptions.HTTPException)
    async def plain(request: fastapi.Request, error: starlette_exceptions.HTTPException) -> fastapi.Response:
        codes = {
            404: "not_found",
            405: "not_supported",
            413: "too_large",
            401: "unauthenticated",
            403: "forbidden",
        }
        code = codes.get(error.status_code, "invalid_request")
        detail = (
            f"There is no {request.method} {request.url.path} here."
            if error.status_code in (404, 405)
            else str(error.detail)
        )
        return _response(problem(code, error.status_code, detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unexpected(request: fastapi.Request, error: Exception) -> fastapi.Response:
        log.error("request crashed", exc_info=error)
        return _response(problem("internal", 500, "Ambrotype failed on this request; its log says how."))


def pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) into the body, or the parameter's name."""
    parts = [
        str(part)
        for part in (location[1:] if location and location[0] in ("body", "query", "path", "header") else location)
    ]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def message(one: dict[str, Any]) -> str:
    """What is wrong with one field, in plain words."""
    if one["type"] == "json_invalid":
        return "the body is not valid JSON"
    if one["type"] == "extra_forbidden":
        return "there is no such field"
    text = str(one["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:]
