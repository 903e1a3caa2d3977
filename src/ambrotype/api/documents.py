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
    416: "no byte of the range lies within the file",
    422: "something in the request is wrong",
    429: "too many requests",
    501: "not possible with this build or store",
    503: "the database or the store can't be reached just now",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documents these replies."""
    return {
        status: {
            "description": _WHAT[status],
            "content": {
                "application/problem+json": {
                    "schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")
                }
            },
        }
        for status in statuses
    }


READING = problems(400, 401, 404, 422, 429, 503)
LISTING = problems(400, 401, 422, 429, 503)
SEARCHING = problems(400, 401, 403, 404, 422, 503)
WRITING = problems(400, 401, 403, 404, 422, 429, 503)
"""The replies that every route of that sort may give."""
