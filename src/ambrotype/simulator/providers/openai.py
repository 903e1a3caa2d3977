"""What OpenAI's protocols have in common: errors, and forms that are JSON or multipart."""

import dataclasses
import hashlib
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import desk, seals

_TYPES = {
    "unauthenticated": ("invalid_request_error", "invalid_api_key"),
    "not_found": ("invalid_request_error", "not_found"),
    "gone": ("invalid_request_error", "gone"),
    "rate_limited": ("requests", "rate_limit_exceeded"),
    "internal": ("server_error", None),
    "invalid": ("invalid_request_error", None),
    "moderation_blocked": ("image_generation_user_error", "moderation_blocked"),
}


def refuse(problem: desk.Problem) -> web.Response:
    """`error` with message, type, param and code."""
    family, code = _TYPES.get(problem.kind, ("invalid_request_error", problem.kind))
    error = {"message": problem.message, "type": family, "param": problem.param, "code": code}
    return desk.answer({"error": error}, problem.status, headers={"x-request-id": "req_simulated"})


VENDOR = desk.Vendor(
    name="openai",
    prefix="/openai",
    style="azure",
    life=3600,
    remints=False,
    refuse=refuse,
    seal=seals.standard,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A file of a form."""

    name: str
    content_type: str
    body: bytes

    def told(self) -> dict[str, Any]:
        """What the book notes of it."""
        return {"file": self.name, "size": len(self.body), "sha256": hashlib.sha256(self.body).hexdigest()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """`fields` as JSON would have them, with a note in the place of each file."""

    fields: dict[str, Any]
    files: dict[str, list[Part]]


async def form(request: web.Request) -> Form:
    """JSON or multipart. `video[id]` in a form is a field of an object, `image[]` one of a list."""
    if not request.content_type.startswith("multipart/"):
        return Form(fields=await desk.document(request), files={})
    fields: dict[str, Any] = {}
    files: dict[str, list[Part]] = {}
    for name, value in (await desk.posted(request)).items():
        outer, _, inner = name.removesuffix("]").partition("[")
        if isinstance(value, web.FileField):
            part = Part(name=value.filename, content_type=value.content_type, body=value.file.read())
            files.setdefault(outer, []).append(part)
            fields.setdefault(outer, []).append(part.told())
        elif inner:
            fields.setdefault(outer, {})[inner] = value
        else:
            fields[outer] = value
    return Form(fields=fields, files=files)


def required(fields: dict[str, Any], name: str) -> str:
    """A text that has to be there."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise desk.Problem(400, f"Missing required parameter: '{name}'.", param=name)
    return value


def whole(fields: dict[str, Any], name: str, *, default: int, least: int, most: int) -> int:
    """A whole number, also where a form has it as text."""
    value = fields.get(name)
    try:
        number = default if value is None else int(value)
    except (TypeError, ValueError):
        raise desk.Problem(400, f"Invalid type for '{name}': expected an integer.", param=name) from None
    if not least <= number <= most:
        raise desk.Problem(400, f"Invalid '{name}': expected {least} to {most}.", param=name)
    return number
