"""Parent and child talk over a pair of sockets: four bytes of length, then JSON; a request carries one file, and one to write
to where something is to be made.

Request: `{"operation": name, "arguments": {…}}`.
Reply: `{"result": {…}}` or `{"error": code, "detail": sentence}`.
"""

import json
import struct
from typing import Any

LENGTH = struct.Struct("!I")
MAX_BYTES = 4 << 20
"""Of one message: texts of 1 MiB, each of whose letters JSON may write as two, and credentials of half a MiB. The
parent believes no child that announces more."""

OUT_OF_MEMORY = "out_of_memory"
"""The error of a child that may not have the memory it would need."""

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    if len(body) > MAX_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is longer than {MAX_BYTES}")
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Message:
    """Raises ValueError for anything but a JSON object."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004  (what was sent is wrong, not its type here)
    return message
