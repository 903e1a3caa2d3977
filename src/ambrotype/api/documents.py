"""What the OpenAPI document says of every reply that is not the wanted one."""

from typing import Any, Generic, TypeVar

import pydantic

T = TypeVar("T")


class FieldProblem(pydantic.BaseModel):
    """What is wrong with one field."""

    pointer: str
    message: str


class Problem(pydantic.BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None


class Page(pydantic.BaseModel, Generic[T]):
    """Some items, and the cursor of what follows."""

    items: list[T]
    next_cursor: str | None


_WHAT = {
    400: "the owner is missing",
    401: "no credentials, or wrong ones",
    403: "known, but not allowed",
    404: "not there, or not the caller's",
    409: "the state does not allow it",
    410: "was there; lost, expired or purged",
    412: "the item was changed meanwhile",
    413: "too large",
    415: "not the Content-Type that is taken here",
    416: "no byte of the range lies within the file",
    422: "something in the request is wrong",
    423: "another request is writing it",
    429: "too many requests",
    460: "the bytes do not match their checksum",
    501: "not possible with this build or store",
    503: "the database or the store can't be reached just now",
}


_PROBLEM = Problem.model_json_schema(ref_template="#/components/schemas/{model}")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documents these replies."""
    return {
        status: {
            "description": _WHAT[status],
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
        for status in statuses
    }


READING = problems(400, 401, 404, 422, 429, 503)
LISTING = problems(400, 401, 422, 429, 503)
SEARCHING = problems(400, 401, 403, 404, 422, 503)
WRITING = problems(400, 401, 403, 404, 422, 429, 503)
"""The replies that every route of that sort may give."""


_PARTLY = {"Problem", "BatchResult"}
"""Schemas of replies that may lack a field."""


def exact(document: dict[str, Any]) -> None:
    """Says in the document that the objects of replies always have all their fields, and no others.

    FastAPI calls a field with a default optional, which is right for requests only.
    """
    schemas = document["components"]["schemas"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    asked = _named([operation.get("requestBody") for operation in operations], schemas)
    for name in _named([operation["responses"] for operation in operations], schemas) - asked - _PARTLY:
        schema = schemas[name]
        if "properties" in schema:
            schema["required"] = list(schema["properties"])
            schema.setdefault("additionalProperties", False)


def _named(part: Any, schemas: dict[str, Any]) -> set[str]:
    """The schemas that this part of the document refers to, and those that they refer to."""
    found: set[str] = set()
    left = [part]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            left.extend(one.values())
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in found:
                found.add(name)
                left.append(schemas[name])
    return found
