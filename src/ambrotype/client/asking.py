"""From the arguments of the verbs to the JSON that the server reads."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from ambrotype.core import errors, rewriting

MOST_ITEMS = 500
"""Items of one batch; the server takes no more."""
MOST_BYTES = 32 * 2**20
"""Bytes of one batch. An item larger than that goes alone."""


def fields_of(item: str | Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """An item of `keep_many`, a URL or fields, with what is common to all."""
    if isinstance(item, str):
        return {**common, "url": item}
    if isinstance(item, Mapping):
        return {**common, **item}
    raise errors.InvalidRequest(f"An item is a URL or a mapping of fields, not {type(item).__name__}.")


def body_of(fields: Mapping[str, Any]) -> bytes:
    """The JSON of one item; `data` may be bytes. Raises `errors.InvalidRequest` for what JSON can't hold."""
    data = fields.get("data")
    if isinstance(data, bytes | bytearray | memoryview):
        fields = {**fields, "data": base64.b64encode(data).decode()}
    try:
        return orjson.dumps(dict(fields), default=_plain)
    except (TypeError, ValueError, RecursionError) as problem:
        raise errors.InvalidRequest(f"A field can't be sent as JSON: {problem}.") from None


def rewriting_of(document: Any, options: Mapping[str, Any]) -> bytes:
    """The JSON that asks for a document to be rewritten. Raises `errors.InvalidRequest` for what JSON can't hold."""
    raw = rewriting.written(document)
    try:
        content = raw.encode()
    except UnicodeEncodeError:  # halves of characters, which JSON can only escape
        content = json.dumps(document).encode()
    return orjson.dumps({"document": orjson.Fragment(content), **options})


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def batches(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The items in order, as many together as the server takes."""
    batch: list[bytes] = []
    size = 0
    for body in bodies:
        if batch and (len(batch) == MOST_ITEMS or size + len(body) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield batch
