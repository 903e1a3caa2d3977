"""`multipart/form-data` (RFC 7578) part by part, as its bytes come in: nothing is spooled, and no part is held whole."""

import re
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import python_multipart
from python_multipart import exceptions, multipart

from ambrotype.core import errors

MOST_FIELD = 1 << 20
"""Bytes of a part that is read whole."""
MOST_PARTS = 16

_BEGIN, _DATA, _END, _OVER = "begin", "data", "end", "over"


class Part:
    """One part. Its bytes are read before the next part is asked for."""

    def __init__(self, form: "Form", name: str, filename: str | None) -> None:
        self.name = name
        self.filename = filename
        self._form = form
        self._read = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        self._read = True
        while (event := await self._form.event())[0] == _DATA:
            yield event[1]

    async def text(self) -> str:
        """All of it, as a field of a form. Raises `errors.TooLarge` and `errors.InvalidRequest`."""
        found = bytearray()
        async for chunk in self.chunks():
            found += chunk
            if len(found) > MOST_FIELD:
                raise errors.TooLarge(f"The field {self.name!r} has more than {MOST_FIELD} bytes.")
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise errors.InvalidRequest(f"The field {self.name!r} is not UTF-8.", pointer=f"/{self.name}") from None

    @property
    def read(self) -> bool:
        """Whether somebody has begun to read it."""
        return self._read


class Form:
    """The parts of a body."""

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        kind, options = multipart.parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise errors.WrongContentType("Send the file as multipart/form-data with a boundary.")
        self._chunks = chunks
        self._events: deque[tuple[str, Any]] = deque()
        try:
            self._parser = python_multipart.MultipartParser(boundary, _callbacks(self._events))
        except exceptions.FormParserError as problem:
            raise _broken(problem) from None

    async def parts(self) -> AsyncIterator[Part]:
        """Each part in order. Raises `errors.InvalidRequest` for what is no form, or ends in the middle."""
        for _ in range(MOST_PARTS + 1):
            kind, headers = await self.event()
            if kind == _OVER:
                return
            part = self._part(headers)
            yield part
            if not part.read:
                raise errors.InvalidRequest(f"There is no field {part.name!r} here.", pointer=f"/{part.name}")
        raise errors.InvalidRequest(f"The form has more than {MOST_PARTS} parts.")

    def _part(self, headers: dict[str, bytes]) -> Part:
        kind, options = multipart.parse_options_header(headers.get("content-disposition", b""))
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise errors.InvalidRequest("A part of the form has no name: its Content-Disposition is missing or wrong.")
        filename = options.get(b"filename")
        return Part(self, name.decode(errors="replace"), filename.decode(errors="replace") if filename else None)

    async def event(self) -> tuple[str, Any]:
        """What the parser finds next."""
        while not self._events:
            chunk = await anext(self._chunks, None)
            try:
                if chunk is None:
                    self._parser.finalize()
                    raise errors.InvalidRequest("The form ends in the middle: its last boundary is missing.")
                self._parser.write(chunk)
            except exceptions.FormParserError as problem:
                raise _broken(problem) from None
        return self._events.popleft()


def _callbacks(events: deque[tuple[str, Any]]) -> Any:
    """They know nothing of the form: a ring of references would keep its last pieces in memory until the collector comes."""
    field, value = bytearray(), bytearray()
    headers: dict[str, bytes] = {}

    def header_end() -> None:
        headers[field.decode("latin-1").lower()] = bytes(value)
        field.clear()
        value.clear()

    def headers_finished() -> None:
        events.append((_BEGIN, dict(headers)))
        headers.clear()

    return {
        "on_part_data": lambda data, start, end: events.append((_DATA, data[start:end])),
        "on_part_end": lambda: events.append((_END, None)),
        "on_header_field": lambda data, start, end: field.extend(data[start:end]),
        "on_header_value": lambda data, start, end: value.extend(data[start:end]),
        "on_header_end": header_end,
        "on_headers_finished": headers_finished,
        "on_end": lambda: events.append((_OVER, None)),
    }


def _broken(problem: Exception) -> errors.InvalidRequest:
    what = re.sub(r"[^ -~]", "?", str(problem))[:200]
    return errors.InvalidRequest(f"The body is no form that can be read: {what}.")
