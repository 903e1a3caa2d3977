"""What a server answers, read back into the nouns."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import orjson
import pydantic

from ambrotype.core import errors, ids, lineage, media, operations

T = TypeVar("T")

_NODES = pydantic.TypeAdapter(list[media.Media])
_EDGES = pydantic.TypeAdapter(list[lineage.Edge])
_DONE = pydantic.TypeAdapter(operations.Done)
_OPERATION = pydantic.TypeAdapter(operations.Operation)


def document(content: bytes) -> dict[str, Any]:
    """An object of JSON."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise errors.AmbrotypeError("The server's answer is not JSON; is there an Ambrotype at that url?")
    return found


def read(adapter: pydantic.TypeAdapter[T], content: bytes | Mapping[str, Any] | list[Any]) -> T:
    """A noun from its JSON. Fields that this version does not know are left out."""
    try:
        return adapter.validate_python(document(content) if isinstance(content, bytes) else content)
    except pydantic.ValidationError as problem:
        first = problem.errors()[0]
        raise errors.AmbrotypeError(
            f"The server's answer can't be understood at {first['loc']}: {first['msg']}. Are the versions far apart?"
        ) from None


def identified(value: uuid.UUID | str, what: str = "media item") -> str:
    """An id for a path; what is none is an id of nothing: `errors.NotFound`."""
    found = value if isinstance(value, uuid.UUID) else ids.parse(value)
    if found is None:
        raise errors.NotFound(f"There is no {what} {value!r}: that is no id.")
    return str(found)


def graph(content: bytes) -> lineage.Graph:
    """Where items came from. Its edges begin with `from`, which is no name in Python."""
    found = document(content)
    edges = [{**one, "from_": one.get("from")} for one in found.get("edges", ())]
    return lineage.Graph(nodes=read(_NODES, found.get("nodes") or []), edges=read(_EDGES, edges))


def done(content: bytes) -> operations.Done:
    """What became of an action on many items."""
    found = document(content)
    return read(_DONE, {**found, "failed": _failures(found.get("failed", ()))})


def operation(content: bytes) -> operations.Operation:
    """How far an operation is."""
    found = document(content)
    return read(_OPERATION, {**found, "failures": _failures(found.get("failures", ()))})


def _failures(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**one.get("problem", {}), "id": one.get("id")} for one in found]
